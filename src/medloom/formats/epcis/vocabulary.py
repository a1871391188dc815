"""The words of EPCIS 2.0 and of the Core Business Vocabulary 2.0, as tables.

A bare word stands for a GS1 vocabulary element and must be one of these; anything else is written as a
URI or as a name with a declared prefix (EPCIS 2.0, 12.1; CBV 2.0, 7).
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: What every event may hold.
COMMON = _words(
    """@context type eventID eventTime recordTime eventTimeZoneOffset certificationInfo
    errorDeclaration bizStep disposition persistentDisposition readPoint bizLocation
    bizTransactionList sourceList destinationList sensorElementList"""
)
#: What each type of event may hold besides.
OWN = {
    "ObjectEvent": frozenset({"action", "epcList", "quantityList", "ilmd"}),
    "AggregationEvent": frozenset({"action", "parentID", "childEPCs", "childQuantityList"}),
    "TransactionEvent": frozenset({"action", "parentID", "epcList", "quantityList"}),
    "TransformationEvent": _words(
        """inputEPCList inputQuantityList outputEPCList outputQuantityList transformationID ilmd"""
    ),
    "AssociationEvent": frozenset({"action", "parentID", "childEPCs", "childQuantityList"}),
}
EVENT_TYPES = tuple(OWN)
ACTIONS = ("ADD", "OBSERVE", "DELETE")

#: List of identifiers -> the role under which they are indexed: single items, and classes with a quantity.
INSTANCE_LISTS = {
    "epcList": "epc",
    "childEPCs": "child",
    "inputEPCList": "input",
    "outputEPCList": "output",
}
CLASS_LISTS = {
    "quantityList": "epc",
    "childQuantityList": "child",
    "inputQuantityList": "input",
    "outputQuantityList": "output",
}

BIZ_STEPS = _words(
    """accepting arriving assembling collecting commissioning consigning creating_class_instance
    cycle_counting decommissioning departing destroying disassembling dispensing encoding
    entering_exiting holding inspecting installing killing loading other packing picking
    receiving removing repackaging repairing replacing reserving retail_selling sampling
    sensor_reporting shipping staging_outbound stock_taking stocking storing transporting
    unloading unpacking void_shipping"""
)
DISPOSITIONS = _words(
    """active available completeness_inferred completeness_verified conformant container_closed
    container_open damaged destroyed dispensed disposed encoded expired in_progress in_transit
    inactive mismatch_class mismatch_instance mismatch_quantity needs_replacement
    no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved
    retail_sold returned sellable_accessible sellable_not_accessible stolen unavailable unknown"""
)
TRANSACTION_TYPES = _words("bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt")
PARTY_TYPES = frozenset({"owning_party", "possessing_party", "location"})
ERROR_REASONS = frozenset({"did_not_occur", "incorrect_data"})
SENSOR_ALERTS = frozenset({"ALARM_CONDITION", "ERROR_CONDITION"})
COMPONENTS = _words(
    """x y z axial_distance azimuth height spherical_radius polar_angle elevation_angle easting
    northing latitude longitude altitude"""
)

#: How the same word is written out in full: bizStep `receiving`, CURIE, web vocabulary and URN.
FULL = {
    "bizStep": ("https://ref.gs1.org/cbv/BizStep-", "cbv:BizStep-", "urn:epcglobal:cbv:bizstep:"),
    "disposition": ("https://ref.gs1.org/cbv/Disp-", "cbv:Disp-", "urn:epcglobal:cbv:disp:"),
    "bizTransactionType": ("https://ref.gs1.org/cbv/BTT-", "cbv:BTT-", "urn:epcglobal:cbv:btt:"),
    "sourceDestType": ("https://ref.gs1.org/cbv/SDT-", "cbv:SDT-", "urn:epcglobal:cbv:sdt:"),
    "errorReason": ("https://ref.gs1.org/cbv/ER-", "cbv:ER-", "urn:epcglobal:cbv:er:"),
}
WORDS = {
    "bizStep": BIZ_STEPS,
    "disposition": DISPOSITIONS,
    "bizTransactionType": TRANSACTION_TYPES,
    "sourceDestType": PARTY_TYPES,
    "errorReason": ERROR_REASONS,
}

METADATA = _words(
    """time startTime endTime deviceID deviceMetadata rawData dataProcessingMethod bizRules
    dataPointer"""
)
REPORT = _words(
    """type exception deviceID deviceMetadata rawData dataProcessingMethod time microorganism
    chemicalSubstance value component stringValue booleanValue hexBinaryValue uriValue minValue
    maxValue meanValue sDev percRank percValue uom coordinateReferenceSystem bizRules"""
)
REPORT_NUMBERS = frozenset({"value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"})
REPORT_URIS = _words(
    """deviceID deviceMetadata rawData dataProcessingMethod microorganism chemicalSubstance
    uriValue coordinateReferenceSystem bizRules"""
)

#: Prefixes that the standard's own context declares; every other one must be declared by the document.
PREFIXES = {
    "cbv": "https://ref.gs1.org/cbv/",
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "dcterms": "http://purl.org/dc/terms/",
    "epcis": "https://ref.gs1.org/epcis/",
    "gs1": "https://gs1.org/voc/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
#: A document's context must name the standard's.
CONTEXT = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld"
CONTEXT_STARTS = ("https://ref.gs1.org/standards/epcis/", "https://gs1.github.io/EPCIS/")
#: Members of a document.
DOCUMENT = _words(
    """@context id type schemaVersion creationDate epcisHeader epcisBody instanceIdentifier sender
    receiver"""
)


def short(vocabulary: str, value: str) -> str:
    """The bare word of a vocabulary element however it is written; other URIs as they are."""
    for start in FULL[vocabulary]:
        word = value.removeprefix(start)
        if word != value and word in WORDS[vocabulary]:
            return word
    return value
