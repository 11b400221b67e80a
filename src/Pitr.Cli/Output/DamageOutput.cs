using System.Text.Json.Nodes;
using Pitr.Format.Catalog;

namespace Pitr.Cli.Output;

/// <summary>How pages are shown that a backup holds damaged, because they were on the server.</summary>
static class DamageOutput
{
    const int MostNamed = 5;

    /// <summary>"2 damaged page(s): base/5/16390 block 7, base/5/16402 block 0".</summary>
    /// <param name="pages">How many there are.</param>
    /// <param name="damage">The first of them.</param>
    public static string Sentence(int pages, IReadOnlyList<DamagedPage> damage)
    {
        var named = damage.Take(MostNamed).Select(page => $"{page.Path} block {page.Block}").ToArray();
        return $"{pages} damaged page(s): {string.Join(", ", named)}{(pages > named.Length ? $", and {pages - named.Length} more" : "")}";
    }

    /// <summary>The members <c>damaged-pages</c> and <c>damage</c>.</summary>
    public static void AddTo(JsonObject json, BackupDocument backup)
    {
        json["damaged-pages"] = backup.DamagedPages;
        json["damage"] = Json.Array(backup.Damage, page => new JsonObject { ["path"] = page.Path, ["block"] = page.Block });
    }
}
