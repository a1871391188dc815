"""Runs that lie beyond the days around their record's own are found when a window of time is asked for."""

from django.db import migrations

from medloom.trace.walks import queries


class Migration(migrations.Migration):
    dependencies = [("trace", "0008_parts"), ("production", "0002_machine_status")]

    operations = [
        migrations.RunSQL(queries.FAR_INDEX, queries.DROP_FAR_INDEX),
        migrations.RunSQL(queries.FAR_FUNCTION + queries.FAR_RIGHTS, queries.DROP_FAR),
    ]
