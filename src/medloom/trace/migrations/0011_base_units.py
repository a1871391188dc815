"""Quantities of edges in base units: grams that were told before had been kept, and added up, as kilograms."""

from django.db import migrations

#: What a record's lines say now of each lot, in base units; only where a line was told in grams.
INPUTS = """
    update trace_edge e set quantity = told.quantity
    from (select i.parent_id, i.lot_id,
                 case when count(i.quantity) = count(*)
                      then sum(i.quantity * case when i.unit = 'g' then 0.001 else 1 end) end as quantity
          from step_input i where i.until is null group by 1, 2 having bool_or(i.unit = 'g')) told
    where e.step = told.parent_id and e.parent = told.lot_id and e.units = 0 and e.voided_by is null"""
RECEIPTS = """
    update trace_edge e set quantity = r.quantity * 0.001
    from receipt r where r.unit = 'g' and e.step = r.num and e.child = r.lot_id and e.units = 0
      and e.voided_by is null"""


class Migration(migrations.Migration):
    dependencies = [
        ("trace", "0010_scopehanded_scope_consignments"),
        ("production", "0002_machine_status"),
        ("materials", "0004_receipts_and_shipments"),
    ]

    operations = [migrations.RunSQL(INPUTS, ""), migrations.RunSQL(RECEIPTS, "")]
