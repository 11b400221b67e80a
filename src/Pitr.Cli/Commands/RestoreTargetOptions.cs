using System.CommandLine;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Postgres.Recovery;

namespace Pitr.Cli.Commands;

/// <summary>The options that name a moment; restore and drill share them.</summary>
sealed class RestoreTargetOptions
{
    readonly Option<string?> _target = new("--target") { Description = "latest: everything that is archived (default). immediate: the end of the backup", HelpName = "latest|immediate" };
    readonly Option<string?> _time = new("--target-time") { Description = "The state at a moment, with its zone: '2026-11-21 03:15:00+09'", HelpName = "TIME" };
    readonly Option<string?> _lsn = new("--target-lsn") { Description = "The state at a WAL position", HelpName = "LSN" };
    readonly Option<string?> _xid = new("--target-xid") { Description = "The state after a transaction", HelpName = "XID" };
    readonly Option<string?> _name = new("--target-name") { Description = "The state at a restore point (pg_create_restore_point)", HelpName = "NAME" };
    readonly Option<bool> _exclusive = new("--exclusive") { Description = "Stop just before the target instead of just after it" };
    readonly Option<string> _timeline = new("--target-timeline") { Description = "latest, current (the backup's own) or a number", DefaultValueFactory = _ => "latest", HelpName = "TIMELINE" };
    readonly Option<string?> _backup = new("--backup") { Description = "Start from this backup instead of the newest that fits", HelpName = "ID" };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _target, _time, _lsn, _xid, _name, _exclusive, _timeline, _backup })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Whether a moment or a timeline was named.</summary>
    public bool IsGiven(ParseResult parsed) =>
        new Option[] { _target, _time, _lsn, _xid, _name, _exclusive, _timeline }.Any(o => parsed.GetResult(o) is { Implicit: false });

    /// <summary>What was asked for.</summary>
    /// <exception cref="RefusedInputException">More than one target, or one that cannot be read.</exception>
    public RestoreRequest Read(ParseResult parsed)
    {
        var inclusive = !parsed.GetValue(_exclusive);
        var targets = new List<RecoveryTarget>();
        try
        {
            Add(_time, text => RecoveryTarget.ParseTime(text, inclusive));
            Add(_lsn, text => RecoveryTarget.AtLsn(Lsn.Parse(text), inclusive));
            Add(_xid, text => RecoveryTarget.AtXid(ulong.Parse(text), inclusive));
            Add(_name, RecoveryTarget.AtName);
            Add(_target, text => text switch
            {
                "latest" => RecoveryTarget.Latest,
                "immediate" => RecoveryTarget.Immediate,
                _ => throw new FormatException($"\"{text}\" is not a target: latest, immediate"),
            });
            var backup = parsed.GetValue(_backup) is { } id ? BackupId.Parse(id) : (BackupId?)null;
            var timeline = parsed.GetValue(_timeline)!;
            if (timeline is not ("latest" or "current"))
            {
                Timeline.Parse(timeline);
            }

            return targets.Count <= 1
                ? new RestoreRequest(targets.FirstOrDefault() ?? RecoveryTarget.Latest, timeline, backup)
                : throw new RefusedInputException(
                    "more than one target is named",
                    "give one of --target, --target-time, --target-lsn, --target-xid, --target-name");
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            throw new RefusedInputException(e.Message, "--help shows every target with an example", e);
        }

        void Add(Option<string?> option, Func<string, RecoveryTarget> parse)
        {
            if (parsed.GetValue(option) is { } text)
            {
                targets.Add(parse(text));
            }
        }
    }
}
