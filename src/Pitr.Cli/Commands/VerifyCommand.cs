using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Operations.Verify;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr verify`: proves that all that is stored of a service can be used.</summary>
static class VerifyCommand
{
    static readonly Argument<string?> ServiceName = GlobalOptions.Service(required: false);
    static readonly Option<string[]> Repositories = GlobalOptions.Repositories();
    static readonly Option<string?> Sample = SampleOption();
    static readonly Option<string?> Since = VerifySince.Create("Read backups that ended, and WAL that was written, at this moment (with its zone) or WAL position or later");
    static readonly Option<TimeSpan?> Stale = GlobalOptions.Duration("--stale", "Read again what was verified longer ago (default: as configured, verify.stale, or 30d)");
    static readonly Option<bool> All = new("--all") { Description = "Read everything, whenever it was verified last" };
    static readonly Option<int> Jobs = GlobalOptions.Jobs();

    public static Command Create()
    {
        var command = new Command(
            "verify",
            """
            Prove that all that is stored of a service can be used, in each repository: every entry, manifest, pack, key and segment
            is there, is what its name says, is authentic and as it was written; each manifest has all its packs, and WAL goes on
            from each backup without a gap. Remembers what was read: the next run reads what is new, has changed, or was verified
            longer ago than --stale. Whether anything is missing is looked at in full, whatever the options. Needs the identity.
            Changes nothing but its record in the audit trail.

            Exits 9 when something is found, 4 when a repository could not be asked, 6 when the identity opens nothing.

              pitr verify main
              pitr verify main --all --repository offsite
              pitr verify main --sample 5%            a share of what is due, at random
              pitr verify main --since '2026-11-20 00:00:00+00' --output json
            """)
        {
            ServiceName, Repositories, Sample, Since, Stale, All, Jobs,
        };
        command.SetAction(Audited.Action("verify", ServiceName, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var service = context.OpenPackedService(parsed.GetValue(ServiceName), parsed.GetValue(Repositories));
        var (lsn, time) = VerifySince.Read(parsed.GetValue(Since));
        var (sample, share) = ReadSample(parsed.GetValue(Sample));
        var options = new VerifyOptions
        {
            Sample = sample,
            Share = share,
            SinceLsn = lsn,
            SinceTime = time,
            Stale = parsed.GetValue(Stale),
            All = parsed.GetValue(All),
            Jobs = parsed.GetValue(Jobs),
            Random = Random.Shared,
        };
        await notes.BeginAsync(cancellation);
        VerifyReport report;
        using (var display = new ProgressDisplay())
        {
            report = await new ServiceVerification(service).RunAsync(options, null, display.Show, cancellation);
        }

        notes.Details["findings"] = report.FindingCount.ToString(CultureInfo.InvariantCulture);
        notes.Details["read"] = Texts.Size(report.Repositories.Sum(r => r.BytesRead));
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(ToJson(service.Name.ToString(), report));
        }
        else
        {
            Print(service.Name.ToString(), report);
        }

        return FindingOutput.ExitCode(report.FindingCount, report.Passed);
    }

    static Option<string?> SampleOption()
    {
        var option = new Option<string?>("--sample") { Description = "Of what is due only so many packs and so many segments, or a share of them, at random", HelpName = "N|N%" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && ReadSample(text) == (null, null))
            {
                result.AddError("--sample takes a number from 1 up, or a share: 5%");
            }
        });
        return option;
    }

    static (int? Sample, double? Share) ReadSample(string? text)
    {
        if (text is [>= '0' and <= '9', .., '%'] && double.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is > 0 and <= 100)
        {
            return (null, percent / 100);
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var sample) && sample > 0 ? (sample, null) : (null, null);
    }

    static void Print(string service, VerifyReport report)
    {
        AnsiConsole.MarkupLine(
            $"{Markup.Escape(service)}: {Texts.Size(report.Repositories.Sum(r => r.BytesRead))} read in {Texts.Span(report.Took)}, {FindingOutput.Summary(report.FindingCount, report.Passed)}");
        var table = new Table().Border(TableBorder.Simple).AddColumns("repository", "backups", "packs", "read now", "verified before", "WAL read now", "verified before", "bytes read", "owed", "");
        foreach (var copy in report.Repositories)
        {
            table.AddRow(
                Markup.Escape(copy.Name), $"{copy.Backups}", $"{copy.Packs}", $"{copy.PacksRead}", $"{copy.PacksFresh}", $"{copy.WalRead}", $"{copy.WalFresh}",
                Texts.Size(copy.BytesRead), $"{copy.Owed}",
                copy.Unanswered is { } reason ? $"[red]could not be asked: {Markup.Escape(reason)}[/]" : Remark(copy));
        }

        AnsiConsole.Write(table);
        FindingOutput.Print(report.Findings, report.FindingCount);
    }

    static string Remark(VerifiedCopy copy) =>
        copy.Unreferenced > 0 ? $"{copy.Unreferenced} objects of no backup, {Texts.Size(copy.UnreferencedBytes)}" : copy.Unknown > 0 ? $"{copy.Unknown} objects that are not pitr's" : "";

    static JsonObject ToJson(string service, VerifyReport report) => new()
    {
        ["format"] = 1,
        ["service"] = service,
        ["passed"] = report.Passed,
        ["seconds"] = report.Took.TotalSeconds,
        ["repositories"] = Json.Array(report.Repositories, copy => new JsonObject
        {
            ["name"] = copy.Name,
            ["answered"] = copy.Unanswered is null,
            ["reason"] = copy.Unanswered,
            ["backups"] = copy.Backups,
            ["packs"] = copy.Packs,
            ["packs-read"] = copy.PacksRead,
            ["packs-verified-before"] = copy.PacksFresh,
            ["manifests-read"] = copy.ManifestsRead,
            ["documents-read"] = copy.DocumentsRead,
            ["wal-read"] = copy.WalRead,
            ["wal-verified-before"] = copy.WalFresh,
            ["bytes-read"] = copy.BytesRead,
            ["unreferenced"] = copy.Unreferenced,
            ["unreferenced-bytes"] = copy.UnreferencedBytes,
            ["unknown"] = copy.Unknown,
            ["owed"] = copy.Owed,
        }),
        ["finding-count"] = report.FindingCount,
        ["findings"] = FindingOutput.ToJson(report.Findings),
    };
}
