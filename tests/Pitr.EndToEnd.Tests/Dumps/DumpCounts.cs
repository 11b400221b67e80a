using System.Text.Json;

namespace Pitr.EndToEnd.Tests.Dumps;

static class DumpCounts
{
    /// <summary>How many of something the `counts` of a stream name; before and after alike.</summary>
    public static long Counted(this JsonElement counts, string name)
    {
        var count = Assert.Single(counts.EnumerateArray(), c => c.GetProperty("name").GetString() == name);
        Assert.Equal(count.GetProperty("before").GetInt64(), count.GetProperty("after").GetInt64());
        return count.GetProperty("before").GetInt64();
    }
}
