using System.Globalization;
using System.Text;
using Pitr.Format.Wal;

namespace Pitr.Postgres.Recovery;

/// <summary>
/// What makes a restored data directory recover to a target, written the way of PostgreSQL 12 and later: <c>recovery.signal</c> or
/// <c>standby.signal</c>, and a marked block at the end of <c>postgresql.auto.conf</c>.
/// </summary>
/// <param name="Timeline"><c>latest</c>, <c>current</c>, or a timeline number.</param>
/// <param name="RestoreCommand">With %f and %p, as PostgreSQL runs it.</param>
/// <param name="Standby">Keep following as a standby instead of recovering once; primary_conninfo is left as it is unless it is given.</param>
public sealed record RecoverySettings(
    RecoveryTarget Target,
    string? Timeline,
    RecoveryAction Action,
    string RestoreCommand,
    bool Standby)
{
    /// <summary>Also writes archive_mode = off: a copy beside a running cluster must not archive into that cluster's place.</summary>
    public bool ArchiveOff { get; init; }

    /// <summary>For a standby: how it connects to its primary, in libpq's form. Written as it is, to a file that only its owner can read.</summary>
    public string? PrimaryConnectionInfo { get; init; }

    public const string RecoverySignal = "recovery.signal";
    public const string StandbySignal = "standby.signal";

    const string AutoConf = "postgresql.auto.conf";
    const string BlockBegin = "# pitr restore: begin";
    const string BlockEnd = "# pitr restore: end";

    static readonly string[] TargetNames =
    [
        "recovery_target",
        "recovery_target_lsn",
        "recovery_target_name",
        "recovery_target_time",
        "recovery_target_xid",
    ];

    // What an earlier recovery or the standby that was backed up may have left behind and would disturb this one.
    static readonly string[] Neutralised =
    [
        .. TargetNames,
        "recovery_target_action",
        "recovery_target_inclusive",
        "recovery_target_timeline",
        "restore_command",
        "archive_cleanup_command",
        "recovery_end_command",
        "recovery_min_apply_delay",
    ];

    static readonly string[] NeutralisedUnlessStandby = ["primary_conninfo", "primary_slot_name"];

    /// <summary>
    /// Writes signal file and settings, durably; an earlier block of pitr and earlier settings of the same names in the same file go.
    /// Settings of the target's kinds in postgresql.conf are overruled, as PostgreSQL refuses more than one target.
    /// </summary>
    /// <exception cref="ServerException">The timeline is not one, or the restore command or a value has line breaks.</exception>
    /// <exception cref="IOException">The files cannot be written.</exception>
    public void WriteTo(string dataDirectory)
    {
        var block = Block();
        var path = Path.Combine(dataDirectory, AutoConf);

        // Bytes of unknown encoding pass through Latin-1 unharmed.
        var kept = File.Exists(path) ? KeptLines(File.ReadAllText(path, Encoding.Latin1)) : [];
        var text = new StringBuilder();
        foreach (var line in kept)
        {
            text.Append(line).Append('\n');
        }

        var bytes = new MemoryStream();
        bytes.Write(Encoding.Latin1.GetBytes(text.ToString()));
        bytes.Write(Encoding.UTF8.GetBytes(block));
        ReplaceDurably(path, bytes.ToArray());
        ReplaceDurably(Path.Combine(dataDirectory, Standby ? StandbySignal : RecoverySignal), []);
        File.Delete(Path.Combine(dataDirectory, Standby ? RecoverySignal : StandbySignal));
        LibC.FsyncDirectory(dataDirectory);
    }

    /// <summary>The settings in the order they must be written: PostgreSQL refuses an empty target of one kind after a real one of another.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ToSettings()
    {
        var settings = new List<KeyValuePair<string, string>>();
        Add("restore_command", RestoreCommand);
        Add("archive_cleanup_command", "");
        Add("recovery_end_command", "");
        Add("recovery_min_apply_delay", "0");
        if (!Standby)
        {
            Add("primary_conninfo", "");
            Add("primary_slot_name", "");
        }

        if (Standby && PrimaryConnectionInfo is not null)
        {
            Add("primary_conninfo", PrimaryConnectionInfo);
        }

        if (ArchiveOff)
        {
            Add("archive_mode", "off");
        }

        Add("recovery_target_timeline", CheckedTimeline());
        Add("recovery_target_action", Action.ToString().ToLowerInvariant());
        Add("recovery_target_inclusive", Target.Inclusive ? "on" : "off");
        var (name, value) = TargetSetting();
        foreach (var other in TargetNames)
        {
            if (other != name)
            {
                Add(other, "");
            }
        }

        if (name is not null)
        {
            Add(name, value);
        }

        return settings;

        void Add(string key, string text) => settings.Add(new KeyValuePair<string, string>(key, text));
    }

    static void ReplaceDurably(string path, byte[] content)
    {
        var temporary = $"{path}.pitr-new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(temporary, options))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    List<string> KeptLines(string text)
    {
        var kept = new List<string>();
        var inBlock = false;
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            if (line.Trim() == BlockBegin)
            {
                inBlock = true;
            }
            else if (line.Trim() == BlockEnd)
            {
                inBlock = false;
            }
            else if (!IsNeutralised(ConfigurationText.SettingName(line)) && !(inBlock && IsOfBlock(line)))
            {
                kept.Add(line);
            }
        }

        return kept;
    }

    // archive_mode is ours only inside the block; outside it somebody set it for the cluster itself.
    static bool IsOfBlock(string line) => line.StartsWith('#') || ConfigurationText.SettingName(line) == "archive_mode";

    bool IsNeutralised(string? name) =>
        name is not null
        && (Neutralised.Contains(name) || (!Standby && NeutralisedUnlessStandby.Contains(name)) || (PrimaryConnectionInfo is not null && name == "primary_conninfo"));

    string Block()
    {
        var text = new StringBuilder();
        text.Append(BlockBegin).Append('\n');
        try
        {
            foreach (var (name, value) in ToSettings())
            {
                text.Append(name).Append(" = ").Append(ConfigurationText.Quote(value)).Append('\n');
            }
        }
        catch (ArgumentException e)
        {
            throw new ServerException($"recovery settings cannot be written: {e.Message}", innerException: e);
        }

        return text.Append(BlockEnd).Append('\n').ToString();
    }

    string CheckedTimeline()
    {
        if (Timeline is null or "latest")
        {
            return "latest";
        }

        if (Timeline == "current" || Format.Wal.Timeline.TryParse(Timeline, out _))
        {
            return Timeline;
        }

        throw new ServerException($"\"{Timeline}\" is not a target timeline", "write latest, current, or a timeline's number");
    }

    (string? Name, string Value) TargetSetting() => Target.Kind switch
    {
        RecoveryTargetKind.Latest => (null, ""),
        RecoveryTargetKind.Immediate => ("recovery_target", "immediate"),
        RecoveryTargetKind.Time => ("recovery_target_time", Target.Value),
        RecoveryTargetKind.Lsn => ("recovery_target_lsn", Target.Value),
        RecoveryTargetKind.Xid => ("recovery_target_xid", Target.Value),
        RecoveryTargetKind.Name => ("recovery_target_name", Target.Value),
        _ => throw new InvalidOperationException($"target kind {Target.Kind}"),
    };
}
