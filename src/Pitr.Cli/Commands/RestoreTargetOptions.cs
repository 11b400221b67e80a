using System.CommandLine;
using Pitr.Format.Layout;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Postgres.Recovery;

namespace Pitr.Cli.Commands;

/// <summary>The options that name a moment; restore and drill share them.</summary>
/// <param name="withRandom">Whether <c>--target random</c> is one: see <see cref="IsRandom"/>.</param>
sealed class RestoreTargetOptions(bool withRandom = false)
{
    const string Random = "random";

    readonly Option<string?> _target = new("--target")
    {
        Description = $"latest: everything that is archived (default). immediate: the end of the backup{(withRandom ? ". random: a moment of the recovery window" : "")}",
        HelpName = withRandom ? "latest|immediate|random" : "latest|immediate",
    };

    readonly Argument<string?> _positional = new("TARGET")
    {
        Description = "latest, immediate, a time with its zone, a WAL position, or a backup's id for the end of that backup; --target and its like say the same", Arity = ArgumentArity.ZeroOrOne,
    };

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

    /// <summary>Adds the argument that names a moment without an option.</summary>
    public void AddArgumentTo(Command command) => command.Arguments.Add(_positional);

    /// <summary>The option that names a backup.</summary>
    public Option Backup => _backup;

    /// <summary>The word that names a backup or a moment; null if there is none.</summary>
    /// <exception cref="RefusedInputException">Argument and --backup name two.</exception>
    public string? ReadWord(ParseResult parsed) => (parsed.GetResult(_positional) is null ? null : parsed.GetValue(_positional), parsed.GetValue(_backup)) switch
    {
        ({ } word, { } backup) when word != backup => throw new RefusedInputException($"{word} is named, and --backup {backup}", "name one"),
        var (word, backup) => word ?? backup,
    };

    /// <summary>Whether a moment or a timeline was named.</summary>
    public bool IsGiven(ParseResult parsed) =>
        parsed.GetResult(_positional) is { Implicit: false, Tokens.Count: > 0 }
        || new Option[] { _target, _time, _lsn, _xid, _name, _exclusive, _timeline }.Any(o => parsed.GetResult(o) is { Implicit: false });

    /// <summary>Those that say of a group which moment is meant.</summary>
    public IReadOnlyList<Option> OfGroups => [_target, _time];

    /// <summary>The moment that services of several kinds shall go back to; null for the newest there is.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="word">What stands where one service would be named; null for nothing.</param>
    /// <exception cref="RefusedInputException">It is none, or there are two.</exception>
    public DateTimeOffset? ReadMoment(ParseResult parsed, string? word)
    {
        var named = new[] { word, parsed.GetValue(_positional), parsed.GetValue(_target), parsed.GetValue(_time) }.OfType<string>().ToArray();
        try
        {
            return named switch
            {
                [] or ["latest"] => null,
                [var text] when text.Length > 0 && char.IsAsciiDigit(text[0]) && !BackupId.TryParse(text, out _) => RecoveryTarget.ParseTime(text, inclusive: true).Time,
                [var text] => throw new FormatException($"\"{text}\" is no moment of every kind of service: latest, or a time with its zone"),
                _ => throw new FormatException($"more than one target or service is named: {string.Join(", ", named)}; with --all no service is, and --component names some"),
            };
        }
        catch (FormatException e)
        {
            throw new RefusedInputException(e.Message, "pitr restore --help shows examples", e);
        }
    }

    /// <summary>Whether a random moment was asked for; then <see cref="Read"/> gives a target that nobody has named.</summary>
    public bool IsRandom(ParseResult parsed) => withRandom && parsed.GetValue(_target) == Random;

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
                Random when withRandom => RecoveryTarget.Latest,
                _ => throw new FormatException($"\"{text}\" is not a target: latest, immediate"),
            });
            var backup = parsed.GetValue(_backup) is { } id ? BackupId.Parse(id) : (BackupId?)null;
            if (parsed.GetResult(_positional) is not null && parsed.GetValue(_positional) is { } text)
            {
                backup = ReadPositional(text, inclusive, backup, targets);
            }

            var timeline = parsed.GetValue(_timeline)!;
            if (timeline is not ("latest" or "current"))
            {
                Timeline.Parse(timeline);
            }

            return targets.Count <= 1
                ? new RestoreRequest(targets.FirstOrDefault() ?? RecoveryTarget.Latest, timeline, backup)
                : throw new RefusedInputException(
                    "more than one target is named",
                    "give one of TARGET, --target, --target-time, --target-lsn, --target-xid, --target-name");
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

    // A backup alone means its end: with --target-time or another target it is only where recovery starts.
    static BackupId? ReadPositional(string text, bool inclusive, BackupId? backup, List<RecoveryTarget> targets)
    {
        if (BackupId.TryParse(text, out var id))
        {
            targets.Add(RecoveryTarget.Immediate);
            return backup is null || backup == id ? id : throw new FormatException($"backup {id} is named, and --backup {backup}");
        }

        targets.Add(text switch
        {
            "latest" => RecoveryTarget.Latest,
            "immediate" => RecoveryTarget.Immediate,
            _ when text.Contains('/') => RecoveryTarget.AtLsn(Lsn.Parse(text), inclusive),
            _ when text.Length > 0 && char.IsAsciiDigit(text[0]) => RecoveryTarget.ParseTime(text, inclusive),
            _ => throw new FormatException($"\"{text}\" is not a target: latest, immediate, a time with its zone, a WAL position, a backup's id; a restore point has --target-name"),
        });
        return backup;
    }
}
