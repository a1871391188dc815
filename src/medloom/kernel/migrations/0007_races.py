"""The function by which a batch that lost a race against a safety operation ends."""

from django.db import migrations

from medloom.kernel import beside


class Migration(migrations.Migration):
    dependencies = [("kernel", "0006_arrivals")]

    operations = [migrations.RunSQL(beside.FUNCTION, beside.DROP_FUNCTION)]
