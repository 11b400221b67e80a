using System.Text;
using System.Text.Json.Nodes;
using Pitr.Format.Catalog;

namespace Pitr.Format.Tests.Catalog;

/// <summary>The systemd journal in the entry of a backup.</summary>
public sealed class JournalRecordTests
{
    static readonly BackupDocument Backup = DocumentTests.Backup with
    {
        Kind = "files",
        Tree = new TreeRecord
        {
            Roots = [],
            Journal = new JournalRecord
            {
                Cursor = "s=a;i=1",
                Entries = 3,
                Added = 1,
                Parts = [new JournalPart("/systemd-journal/x.export", 1, 2, 3, 4, Samples.Time, Samples.Time.AddTicks(10))],
                Sequences = [new JournalSequence("a", 5, 1_700_000_000_000_000)],
                Gaps = [new JournalGap("20261121T031500Z") { Before = Samples.Time }, new JournalGap("20261121T031600Z") { After = Samples.Time }],
                Messages = ["x"],
            },
        },
    };

    [Fact]
    public void It_survives_its_text()
    {
        var (before, after) = (Backup.Tree!.Journal!, BackupDocument.Parse(Backup.ToJson()).Tree!.Journal!);

        Assert.Equal(before.Parts, after.Parts);
        Assert.Equal(before.Sequences, after.Sequences);
        Assert.Equal(before.Gaps, after.Gaps);
        Assert.Equal(before.Messages, after.Messages);
        Assert.Equal(before with { Parts = after.Parts, Sequences = after.Sequences, Gaps = after.Gaps, Messages = after.Messages }, after);
    }

    [Fact]
    public void What_is_missing_is_empty()
    {
        var journal = Change(journal => journal.Clear()).Tree!.Journal!;

        Assert.Equal((null, 0L, 0L), (journal.Cursor, journal.Entries, journal.Added));
        Assert.Empty(journal.Parts);
        Assert.Empty(journal.Sequences);
        Assert.Empty(journal.Gaps);
        Assert.Empty(journal.Messages);
    }

    [Theory]
    [InlineData("parts")]
    [InlineData("sequences")]
    [InlineData("gaps")]
    [InlineData("messages")]
    public void Nothing_in_its_lists_is_null(string member) =>
        Assert.Contains($"tree.journal.{member} has a null", Assert.Throws<DamagedObjectException>(() => Change(journal => journal[member] = new JsonArray((JsonNode?)null))).Message, StringComparison.Ordinal);

    static BackupDocument Change(Action<JsonObject> change)
    {
        var document = JsonNode.Parse(Backup.ToJson())!.AsObject();
        document.Remove("sha256");
        change(document["tree"]!["journal"]!.AsObject());
        return BackupDocument.Parse(Encoding.UTF8.GetBytes(document.ToJsonString()));
    }
}
