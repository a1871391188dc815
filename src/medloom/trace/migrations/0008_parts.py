"""Walks that are right before the first ANALYZE; readings by index; what of a lot a frozen line means."""

from django.db import migrations, models

from medloom.trace import queries
from medloom.trace.walks import queries as walks

#: What the tracer owns only the tracer takes away.
TAKEN = f"""SET ROLE medloom_tracer;
{queries.DROP_FUNCTIONS}{queries.DROP_LOTS_FUNCTION}{walks.DROP_REACH}
RESET ROLE;"""


class Migration(migrations.Migration):
    dependencies = [("trace", "0007_arrivals"), ("inspection", "0002_inspections")]

    operations = [
        migrations.AddField("scopeline", "meant", models.CharField(default="whole", max_length=12)),
        migrations.RunSQL(TAKEN, migrations.RunSQL.noop),
        migrations.RunSQL(queries.FUNCTIONS + queries.RIGHTS + queries.LOTS_FUNCTION, migrations.RunSQL.noop),
        migrations.RunSQL(walks.REACH_FUNCTION + walks.REACH_RIGHTS, migrations.RunSQL.noop),
        migrations.RunSQL(walks.RANGE_FUNCTIONS + walks.RANGE_RIGHTS, walks.DROP_RANGES),
    ]
