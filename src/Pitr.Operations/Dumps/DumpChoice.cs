using System.Globalization;
using Pitr.Format.Catalog;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Dumps;

/// <summary>Finds in a dump what was asked for, and holds it against where it shall go.</summary>
static class DumpChoice
{
    /// <summary>The streams of the databases that were asked for; at least one.</summary>
    /// <exception cref="RefusedInputException">There is no such database, or several where one is needed.</exception>
    public static IReadOnlyList<DumpStreamRecord> Databases(DumpManifest manifest, DumpSelection selection)
    {
        var all = manifest.Streams.Where(s => s.Database is not null).ToArray();
        if (selection.Database is { } name && all.All(s => s.Database != name))
        {
            throw new RefusedInputException(
                $"backup {manifest.Id} has no database \"{name}\"", NearestName.Hint(name, all.Select(s => s.Database!), "its databases"));
        }

        var chosen = selection.Database is { } one ? [.. all.Where(s => s.Database == one)] : all;
        return selection.Into is not null && chosen.Length > 1
            ? throw new RefusedInputException("--into names one database, but there are several in the backup", $"add --database: {Names(chosen)}")
            : chosen;
    }

    /// <summary>Names of databases for messages.</summary>
    public static string Names(IEnumerable<DumpStreamRecord> streams) => string.Join(", ", streams.Select(s => s.Database));

    /// <summary>Refuses to bring what a newer server wrote into an older one, or that of one product into another.</summary>
    /// <exception cref="ImpossiblePlanException">It would not fit.</exception>
    public static void RequireNotNewer(DumpManifest manifest, string product, string version, string server)
    {
        if (manifest.Product != product)
        {
            throw new ImpossiblePlanException(
                $"backup {manifest.Id} is of {manifest.Product} {manifest.ServerVersion}, {server} is {product} {version}; nothing was changed", $"restore it into a {manifest.Product} server");
        }

        if (Release(manifest.ServerVersion, product) > Release(version, product))
        {
            throw new ImpossiblePlanException(
                $"backup {manifest.Id} is of {manifest.Product} {manifest.ServerVersion}, and {server} has {version}, which is older; nothing was changed",
                $"restore it into a server of {manifest.ServerVersion} or later, or take an older backup: `pitr info` shows of which version each is");
        }
    }

    // What changes the meaning of a dump: the first number of PostgreSQL, the first two of the others. Redis 7.0, 7.2 and 7.4 each have an RDB format of their own.
    static long Release(string version, string product)
    {
        var numbers = version.Split('.', '-').Take(2).Select(Number).Append(0).ToArray();
        return product is "MySQL" or "MariaDB" or "MongoDB" or "Redis" ? (numbers[0] * 1_000_000L) + numbers[1] : numbers[0];
    }

    static long Number(string text) =>
        long.TryParse(string.Concat(text.TakeWhile(char.IsAsciiDigit)), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
