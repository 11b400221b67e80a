using Pitr.Postgres.Pages;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Backup;

/// <summary>
/// What the WAL between the base's start and this backup's has changed, by relation. Relations that it does not name are as they were. Memory is bounded: a
/// relation whose changes do not fit counts as changed from its first to its last block. Filled by one thread, then safe for several.
/// </summary>
/// <param name="mostBytes">Bytes of memory for it, roughly.</param>
sealed class ChangedRelations(long mostBytes = ChangedRelations.DefaultBytes)
{
    const long DefaultBytes = 64 << 20;

    // With its key and its place in the table.
    const int RelationBytes = 200;

    static readonly ChangedBlocks Nothing = new();
    static readonly ChangedBlocks Everything = MakeEverything();

    readonly Dictionary<(uint Tablespace, uint Database, uint Relation), ChangedBlocks> _relations = [];
    readonly HashSet<(uint Tablespace, uint Database)> _databases = [];
    long _bytes;

    /// <summary>More relations have changed than can be kept: this tells nothing.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Takes what one summary says; several in any order.</summary>
    public void Add(WalSummaryBlock changed)
    {
        if (changed.Relation == 0)
        {
            // The database was made or dropped in that tablespace, by copying files maybe: pages in it have any LSN and are logged nowhere.
            _databases.Add((changed.Tablespace, changed.Database));
            return;
        }

        var key = (changed.Tablespace, changed.Database, changed.Relation);
        if (!_relations.TryGetValue(key, out var blocks))
        {
            if (_bytes + RelationBytes > mostBytes * 2)
            {
                IsFull = true;
                return;
            }

            _relations.Add(key, blocks = new ChangedBlocks());
            _bytes += RelationBytes;
        }

        _bytes -= blocks.Bytes;
        if (changed.IsLimit)
        {
            blocks.LowerTo(changed.Block);
        }
        else
        {
            blocks.Add(changed.Block);
        }

        if (_bytes + blocks.Bytes > mostBytes)
        {
            blocks.LowerTo(0);
        }

        _bytes += blocks.Bytes;
    }

    /// <summary>What has changed in one file of a main fork.</summary>
    /// <param name="file">Which one.</param>
    /// <param name="pagesPerFile">Blocks of each file of a relation but the last: pg_control's.</param>
    public ChangedPages Of(RelationFileName file, int pagesPerFile)
    {
        var blocks = _databases.Contains((file.Tablespace, file.Database))
            ? Everything
            : _relations.GetValueOrDefault((file.Tablespace, file.Database, file.Number), Nothing);
        return new ChangedPages(blocks, (long)file.Part * pagesPerFile);
    }

    static ChangedBlocks MakeEverything()
    {
        var everything = new ChangedBlocks();
        everything.LowerTo(0);
        return everything;
    }
}
