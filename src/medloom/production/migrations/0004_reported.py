"""An order that a plant told of begins as `reported`; those that were told before are so, too."""

from django.db import migrations

import medloom.kernel.fields

#: No step leads back to `draft`: what stands there and began with an observation, or with a mention, was
#: never asked for here.
TOLD = """
    update work_order w set state = 'reported'
    where w.state = 'draft' and (w.version = 0 or exists (
        select 1 from entry e where e.object = w.object and e.version = 1 and e.verdict = 'accepted'
          and e.encoding is null and e.body::json ->> 'kind' = 'observe'))"""
BACK = "update work_order set state = 'draft' where state = 'reported'"


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0006_arrivals"),
        ("production", "0003_scrap"),
    ]

    operations = [
        migrations.AlterField(
            model_name="workorder",
            name="state",
            field=medloom.kernel.fields.Choice(
                choices=[
                    ("draft", "Draft"),
                    ("reported", "Reported by the plant"),
                    ("released", "Released"),
                    ("acknowledged", "Acknowledged"),
                    ("in_process", "In process"),
                    ("on_hold", "On hold"),
                    ("completed", "Completed"),
                    ("closed", "Closed"),
                ],
                default="draft",
                max_length=32,
                verbose_name="State",
            ),
        ),
        migrations.RunSQL(TOLD, BACK),
    ]
