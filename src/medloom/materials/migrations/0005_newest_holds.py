"""Holds by their entry: what the door looks at before each commit."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("materials", "0004_receipts_and_shipments"), ("kernel", "0007_races")]

    operations = [
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(fields=["entry"], name="hold_entry"),
        ),
    ]
