using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Redis.InPlace;

/// <summary>Tells from what a Redis server says about itself whether it has loaded a dump.</summary>
static class RedisLoad
{
    /// <summary>Holds what it loaded against the dump. What clients have written since does not count.</summary>
    /// <param name="facts">INFO of the server that was just started.</param>
    /// <param name="manifest">The dump.</param>
    /// <param name="appendOnly">Whether the data was put where the append-only file is.</param>
    /// <returns>Keys loaded, null when it does not say (Redis before 7); and what somebody should look at.</returns>
    /// <exception cref="ServerException">It has loaded something else.</exception>
    public static (long? Keys, IReadOnlyList<string> Warnings) Judge(IReadOnlyDictionary<string, string> facts, DumpManifest manifest, bool appendOnly)
    {
        if (facts.TryGetValue("aof_enabled", out var enabled) && enabled == "1" != appendOnly)
        {
            throw new ServerException(
                $"the server has the append-only file {(appendOnly ? "off" : "on")}, and the data was put where it would be loaded with it {(appendOnly ? "on" : "off")}",
                "start the server with its old data, let the user of the service run CONFIG GET, and try again: it is asked then");
        }

        if (Number("rdb_last_load_keys_loaded") is not { } loaded)
        {
            return (null, []);
        }

        var counts = manifest.Streams.SelectMany(s => s.Counts).ToArray();
        var expired = Number("rdb_last_load_keys_expired") ?? 0;
        var (least, most) = (counts.Sum(c => Math.Min(c.Before, c.After) - (c.Expiring ?? 0)), counts.Sum(c => Math.Max(c.Before, c.After)));
        if (counts.Length == 0 || (loaded + expired >= least && loaded <= most))
        {
            return (loaded, []);
        }

        var text = string.Create(CultureInfo.InvariantCulture, $"the server has loaded {loaded} keys, but had {least} to {most} when it was dumped");
        return counts.All(c => c.Before == c.After) || loaded == 0
            ? throw new ServerException(text, "is its dbfilename, or appenddirname, another than the configuration of the server that runs says? its log names what it loads")
            : (loaded, [$"{text}; it was written to meanwhile"]);

        long? Number(string name) => long.TryParse(facts.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
