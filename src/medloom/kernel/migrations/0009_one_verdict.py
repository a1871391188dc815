"""Every row counts once, by its last verdict: what was sequenced before is counted anew from the log.

The same as exchange.counts does as the log grows; a test holds the two against each other.
"""

from django.db import migrations

EMPTY = "lock table feed_tally in exclusive mode; delete from feed_tally"
ANEW = """
    with recursive
    logged as (
      select e.*, case when e.verdict <> 'accepted' then e.decision::json #>> '{refusal,code}' end as code
      from entry e join leaf l on l.seq = e.seq),
    -- entries about a row that an earlier entry told of
    more as (
      select c.seq, c.cause, c.code = 'taken_back' as taken_back,
             c.verdict = 'accepted' and c.body like '%"compensates":"%' and exists
               (select from entry g where g.seq = p.cause and g.verdict = 'conflict') as undoes
      from logged c join entry p on p.seq = c.cause
      where (c.epoch, c.chain, c.number) = (p.epoch, p.chain, p.number)
         or c.body like '%"repairs":"%' or c.code = 'taken_back'
         or c.verdict = 'accepted' and c.body like '%"compensates":"%' and p.body like '%"repairs":"%'
            and exists (select from entry g where g.seq = p.cause and g.verdict = 'conflict')),
    told as (
      select seq as row, seq from logged where seq not in (select seq from more)
      union all
      select t.row, m.seq from told t join more m on m.cause = t.seq),
    void as (
      select seq from more where taken_back union select cause from more where taken_back),
    last as (select row, max(seq) as seq from told where seq not in (select seq from void) group by row)
    insert into feed_tally (site, source, verdict, entries, findings, newest)
    select r.site, coalesce(r.source, ''),
           case when e.code in ('dismissed', 'row_as_recorded') then 'closed'
                when m.undoes then 'conflict' else e.verdict end as stands,
           count(*),
           count(*) filter (where e.verdict = 'accepted' and m.undoes is not true
                            and e.decision like '%"findings"%'),
           max(r.received)
    from last l join entry r on r.seq = l.row join logged e on e.seq = l.seq left join more m on m.seq = l.seq
    group by 1, 2, stands"""
#: A mended row is no news of its feed, but of whoever sent the mended form.
NEWEST = """
    insert into feed_tally as t (site, source, verdict, entries, findings, newest)
    select e.site, coalesce(e.source, ''), e.verdict, 0, 0, max(e.received)
    from entry e join leaf l on l.seq = e.seq group by 1, 2, 3
    on conflict (site, source, verdict) do update set newest = greatest(t.newest, excluded.newest)"""
BEFORE = """
    delete from feed_tally;
    insert into feed_tally (site, source, verdict, entries, findings, newest)
    select e.site, coalesce(e.source, ''), e.verdict, count(*),
           count(*) filter (where e.verdict = 'accepted' and e.decision like '%"findings"%'), max(e.received)
    from entry e join leaf l on l.seq = e.seq group by 1, 2, 3"""


class Migration(migrations.Migration):
    dependencies = [("kernel", "0008_found")]

    operations = [
        migrations.RunSQL(EMPTY, BEFORE),
        migrations.RunSQL(ANEW, migrations.RunSQL.noop),
        migrations.RunSQL(NEWEST, migrations.RunSQL.noop),
    ]
