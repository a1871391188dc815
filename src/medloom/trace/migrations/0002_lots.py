"""The walk that gives lots alone."""

from django.db import migrations

from medloom.trace import queries


class Migration(migrations.Migration):
    dependencies = [("trace", "0001_initial")]

    operations = [migrations.RunSQL(queries.LOTS_FUNCTION, queries.DROP_LOTS_FUNCTION)]
