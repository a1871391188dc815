"""What is said of files: those that an agent reads, and those that a person sends by hand."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

#: Code -> what it means, what to do.
FILES: dict[str, tuple[object, object]] = {
    "column_gone": (_("A column vanished from the file"), _("Correct the feed's mapping.")),
    "header_missing": (_("The header was not found in the file"), _("Correct the feed's mapping.")),
    "file_broken": (_("The file cannot be opened"), _("Ask the plant for it again.")),
    "file_encrypted": (_("The file is locked with a password"), _("Ask the plant for it again.")),
    "feed_drift": (_("The columns of the feed have changed"), _("Correct the feed's mapping.")),
    "column_missing": (_("A column vanished from the file"), _("Correct the feed's mapping.")),
    "column_new": (_("The file has a new column"), _("Correct the feed's mapping.")),
    "file_unmapped": (_("No mapping reads this file"), _("Have a mapping written for it.")),
    "file_too_large": (_("The file is too large"), _("Ask the plant for it in parts.")),
    "row_gone": (_("The row vanished from the plant's table"), _("Ask the plant whether it was meant.")),
    "row_unknown": (_("The row fits nothing that is declared"), _("Correct or dismiss it.")),
    "sample_left": (_("A word of the sample row was left in"), _("Replace it or empty the cell.")),
    "sheet_missing": (_("The sheet is not in the file"), _("Correct the feed's mapping.")),
    "file_compression": (_("The file is packed in a way not taken here"), _("Save it again as usual.")),
    "file_doctype": (_("The file holds entities, which are not taken"), _("Save it again as usual.")),
    "file_empty": (_("The file is empty"), _("Choose a file.")),
    "file_format": (_("Files of this kind are not read"), _("Save it as .xlsx, .xls or .csv.")),
    "file_inflates": (_("The file grows too large when it is opened"), _("Remove empty rows and columns.")),
    "file_member": (_("The archive holds a link or a name twice"), _("Save it again as usual.")),
    "rows_none": (_("There is no row to record"), _("Fill in at least one row.")),
    "rows_too_many": (_("The file has too many rows"), _("Split it into several files.")),
    "sheet_too_large": (_("The sheet has too many rows or columns"), _("Remove empty rows and columns.")),
    "template_unknown": (
        _("This file is no template of ours"),
        _("Download the template, fill it in and keep its header row."),
    ),
    "text_encoding": (_("The text cannot be read"), _("Save it as UTF-8 or GBK.")),
}

#: Bytes that are no operation (derive/codes.py, BYTES): one meaning for a person, the code tells them apart.
BROKEN = frozenset(
    (
        *("bad_id", "bad_time", "bad_uuid", "count_differs", "count_out_of_range", "duplicate_key"),
        *("header_broken", "id_differs", "key_not_ascii", "not_canonical", "not_json", "not_utf8"),
        *("number_float", "number_too_large", "push_too_large", "text_not_nfc", "text_nul"),
        *("text_surrogate", "too_deep", "too_large", "wrong_type"),
    )
)
