using System.Globalization;
using Pitr.Format.Keys;
using Pitr.Format.Wal;

namespace Pitr.Format.Layout;

/// <summary>Where everything lies in a repository: the one place that turns identity into key. Prefixes end with a slash.</summary>
public static class RepositoryLayout
{
    public const string Repository = "repository.json";

    public const string KeysPrefix = "keys/";

    public const string ServicesPrefix = "services/";

    /// <summary>What the keys of actions that have begun end with.</summary>
    public const string AuditBeginningSuffix = ".began" + JsonSuffix;

    internal const string DumpEntryName = "dump.json";
    internal const string DumpManifestName = "manifest";
    internal const string DumpSumsName = "SHA256SUMS";

    const string WalPart = "wal/";

    const string AuditPart = "audit/";

    const string JsonSuffix = ".json";

    public static string DataKey(DataKeyId id) => $"{KeysPrefix}{id}.json";

    /// <summary>Prefix of the second copies of the data keys that a service has used.</summary>
    public static string ServiceKeysPrefix(ServiceName service) => $"{ServicePrefix(service)}keys/";

    /// <summary>The second copy of a data key, beside what is sealed with it: losing a key loses data.</summary>
    public static string ServiceDataKey(ServiceName service, DataKeyId id) => $"{ServiceKeysPrefix(service)}{id}.json";

    public static string ServicePrefix(ServiceName service) => $"{ServicesPrefix}{service.Value}/";

    public static string ServiceDocument(ServiceName service) => $"{ServicePrefix(service)}service.json";

    public static string WalPrefix(ServiceName service) => $"{ServicePrefix(service)}{WalPart}";

    public static string WalTimelinePrefix(ServiceName service, Timeline timeline) => $"{WalPrefix(service)}{timeline.Hex}/";

    /// <param name="service">Service.</param>
    /// <param name="timeline">Timeline.</param>
    /// <param name="log">Middle part of the segment names, i.e. the high 32 bits of their LSNs.</param>
    public static string WalLogPrefix(ServiceName service, Timeline timeline, uint log) => $"{WalTimelinePrefix(service, timeline)}{log:X8}/";

    /// <summary>Key of a WAL file: histories directly below the WAL prefix, everything else beside its segment.</summary>
    public static string Wal(ServiceName service, WalFileName file) =>
        (file.Segment is { } segment ? WalLogPrefix(service, file.Timeline, segment.Log) : WalPrefix(service)) + file;

    /// <summary>The inverse of <see cref="Wal"/>. False for every other key, also for a WAL file in the wrong place.</summary>
    public static bool TryParseWal(string key, out ServiceName service, out WalFileName file)
    {
        ArgumentNullException.ThrowIfNull(key);
        service = default;
        file = default;
        if (!key.StartsWith(ServicesPrefix, StringComparison.Ordinal))
        {
            return false;
        }

        var rest = key.AsSpan(ServicesPrefix.Length);
        var slash = rest.IndexOf('/');
        if (slash < 0 || !rest[(slash + 1)..].StartsWith(WalPart, StringComparison.Ordinal))
        {
            return false;
        }

        // Compared piece by piece and not with a key made for it: archives have millions of these.
        var place = rest[(slash + 1 + WalPart.Length)..];
        if (!WalFileName.TryParse(place[(place.LastIndexOf('/') + 1)..], out var foundFile) || !IsPlaceOf(place, foundFile)
            || !ServiceName.TryParse(rest[..slash], out var foundService))
        {
            return false;
        }

        service = foundService;
        file = foundFile;
        return true;
    }

    // "00000002.history", or "TTTTTTTT/LLLLLLLL/" with the first digits of the name that follows.
    static bool IsPlaceOf(ReadOnlySpan<char> place, WalFileName file)
    {
        var name = place[(place.LastIndexOf('/') + 1)..];
        return file.Segment is null
            ? name.Length == place.Length
            : place.Length == name.Length + 18 && place[8] == '/' && place[17] == '/' && place[..8].SequenceEqual(name[..8]) && place[9..17].SequenceEqual(name[8..16]);
    }

    /// <summary>Prefix of the pieces of a segment that is not complete yet, beside where the segment will be.</summary>
    public static string WalPiecesPrefix(ServiceName service, WalSegmentName segment) =>
        $"{WalLogPrefix(service, segment.Timeline, segment.Log)}{segment}{WalPieceName.DirectorySuffix}/";

    /// <summary>Key of a piece of a segment.</summary>
    public static string WalPiece(ServiceName service, WalPieceName piece) =>
        WalLogPrefix(service, piece.Segment.Timeline, piece.Segment.Log) + piece;

    /// <summary>The inverse of <see cref="WalPiece"/>. False for every other key, also for a piece in the wrong place.</summary>
    public static bool TryParseWalPiece(string key, out ServiceName service, out WalPieceName piece)
    {
        ArgumentNullException.ThrowIfNull(key);
        service = default;
        piece = default;
        var directory = key.LastIndexOf('/');
        var parent = directory > 0 ? key.LastIndexOf('/', directory - 1) : -1;
        if (parent < 0
            || !key.StartsWith(ServicesPrefix, StringComparison.Ordinal)
            || !WalPieceName.TryParse(key.AsSpan(parent + 1), out var foundPiece))
        {
            return false;
        }

        var rest = key.AsSpan(ServicesPrefix.Length);
        if (!ServiceName.TryParse(rest[..rest.IndexOf('/')], out var foundService)
            || !string.Equals(WalPiece(foundService, foundPiece), key, StringComparison.Ordinal))
        {
            return false;
        }

        service = foundService;
        piece = foundPiece;
        return true;
    }

    public static string BackupsPrefix(ServiceName service) => $"{ServicePrefix(service)}backups/";

    public static string BackupPrefix(ServiceName service, BackupId id) => $"{BackupsPrefix(service)}{id}/";

    /// <summary>The catalog entry, whose presence is the backup.</summary>
    public static string Backup(ServiceName service, BackupId id) => $"{BackupPrefix(service, id)}backup.json";

    public static string Manifest(ServiceName service, BackupId id) => $"{BackupPrefix(service, id)}manifest";

    public static string AllPacksPrefix(ServiceName service) => $"{ServicePrefix(service)}packs/";

    public static string PacksPrefix(ServiceName service, BackupId id) => $"{AllPacksPrefix(service)}{id}/";

    /// <param name="service">Service.</param>
    /// <param name="id">Backup that wrote the pack.</param>
    /// <param name="number">Number of the pack in that backup, 0 to 999999.</param>
    public static string Pack(ServiceName service, BackupId id, int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, 999_999);
        return string.Create(CultureInfo.InvariantCulture, $"{PacksPrefix(service, id)}{number:D6}");
    }

    public static string DumpsPrefix(ServiceName service) => $"{ServicePrefix(service)}dumps/";

    public static string DumpPrefix(ServiceName service, BackupId id) => $"{DumpsPrefix(service)}{id}/";

    /// <summary>The catalog entry of a dump, whose presence is the backup.</summary>
    public static string Dump(ServiceName service, BackupId id) => $"{DumpPrefix(service, id)}{DumpEntryName}";

    /// <summary>Says which parts make up a dump; sealed.</summary>
    public static string DumpManifest(ServiceName service, BackupId id) => $"{DumpPrefix(service, id)}{DumpManifestName}";

    /// <summary>What <c>sha256sum -c</c> reads.</summary>
    public static string DumpSums(ServiceName service, BackupId id) => $"{DumpPrefix(service, id)}{DumpSumsName}";

    /// <param name="service">Service.</param>
    /// <param name="id">The dump.</param>
    /// <param name="number">Number of the part in that dump, 0 to 999999.</param>
    public static string DumpPart(ServiceName service, BackupId id, int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, 999_999);
        return string.Create(CultureInfo.InvariantCulture, $"{DumpPrefix(service, id)}{number:D6}");
    }

    public static string DrillsPrefix(ServiceName service) => $"{ServicePrefix(service)}drills/";

    /// <param name="service">Service.</param>
    /// <param name="id">Names the drill; one part of a key.</param>
    public static string DrillReport(ServiceName service, string id) => $"{DrillsPrefix(service)}{Part(id)}.json";

    /// <summary>Prefix of an audit trail.</summary>
    /// <param name="service">Whose; null: what was done to the repository as a whole.</param>
    public static string AuditPrefix(ServiceName? service) => service is { } name ? $"{ServicePrefix(name)}{AuditPart}" : AuditPart;

    /// <param name="service">Service; null: what was done to the repository as a whole.</param>
    /// <param name="id">Names the record; one part of a key.</param>
    public static string Audit(ServiceName? service, string id) => $"{AuditPrefix(service)}{Part(id)}{JsonSuffix}";

    /// <param name="service">Service; null: what was done to the repository as a whole.</param>
    /// <param name="id">Names the beginning; one part of a key.</param>
    public static string AuditBeginning(ServiceName? service, string id) => $"{AuditPrefix(service)}{Part(id)}{AuditBeginningSuffix}";

    public static string LocksPrefix(ServiceName service) => $"{ServicePrefix(service)}locks/";

    /// <param name="service">Service.</param>
    /// <param name="name">Names the lock; one part of a key.</param>
    public static string Lock(ServiceName service, string name) => $"{LocksPrefix(service)}{Part(name)}.json";

    static string Part(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
            {
                throw new ArgumentException(
                    $"\"{text}\" cannot be part of a key: only ASCII letters, digits, '-', '_' and '.' can",
                    nameof(text));
            }
        }

        return text[0] == '.' ? throw new ArgumentException($"\"{text}\" cannot be part of a key: it begins with a dot", nameof(text)) : text;
    }
}
