"""What was accepted with findings, by feed: the quality board leads to these rows, however old they are."""

from django.db import migrations

FOUND = """
create index entry_found on entry (site, source, seq)
where verdict = 'accepted' and decision like '%"findings"%'"""


class Migration(migrations.Migration):
    dependencies = [("kernel", "0007_races")]

    operations = [migrations.RunSQL(FOUND, "drop index entry_found")]
