using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Storage;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo put`: files into a repository, byte for byte.</summary>
static class RepoPutCommand
{
    static readonly Argument<string> Name = GlobalOptions.Repository();
    static readonly Argument<string> Target = new("KEY") { Description = "Key for one file; a prefix that ends in / for files and directories" };
    static readonly Argument<string[]> Files = new("FILE") { Description = "Files, and with a prefix also directories with everything below them", Arity = ArgumentArity.OneOrMore };
    static readonly Option<bool> Replace = new("--replace") { Description = "Put into the place of what is there; without it, what is there stays and is reported" };
    static readonly Option<string?> Force = new("--force") { Description = "Also put under names of pitr itself; the reason is written to the log", HelpName = "REASON" };
    static readonly Option<bool> DryRun = new("--dry-run", "-n") { Description = "Only say what would be put" };
    static readonly Option<int> Jobs = GlobalOptions.Jobs();

    public static Command Create()
    {
        var command = new Command(
            "put",
            """
            Put files as they are: nothing is sealed, encrypted or compressed. For notes beside backups, for bringing back an object from a copy.

              pitr repo put offsite notes/recovery.txt recovery.txt
              pitr repo put offsite scripts/ /usr/local/share/recovery --jobs 16
              pitr repo put local services/main/service.json ./service.json --force 'lost with the disk, copied from offsite'
            """)
        {
            Name, Target, Files, Replace, Force, DryRun, Jobs,
        };
        command.SetAction(Audited.ActionOnRepository("repo-put", Name, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var store = context.OpenRepository(parsed.GetValue(Name)!);
        var dryRun = parsed.GetValue(DryRun);
        notes.Subject = parsed.GetValue(Target);
        notes.ChangedNothing = dryRun;
        var pairs = Pairs(parsed.GetValue(Target)!, parsed.GetValue(Files)!);
        Permit(parsed, context, store, pairs);
        var upload = new RepositoryUpload(store);
        var mode = parsed.GetValue(Replace) ? PutMode.Replace : PutMode.CreateNew;
        if (!dryRun)
        {
            notes.Details["from"] = AuditNotes.Text(parsed.GetValue(Files)!);
            if (parsed.GetValue(Force) is { } reason)
            {
                notes.Details["reason"] = reason;
            }

            await notes.BeginAsync(cancellation);
        }

        var output = new BatchOutput(context, store.Name, dryRun ? "would put" : "put", moves: !dryRun);
        var batch = new ObjectBatch(parsed.GetValue(Jobs));
        using (var display = new ProgressDisplay())
        {
            await batch.RunAsync(
                pairs.ToAsyncEnumerable(),
                pair => pair.Key,
                async (pair, token) =>
                {
                    display.Show(dryRun ? "looking" : "putting", batch.Bytes, 0);
                    return dryRun ? await upload.TryOutAsync(pair.Path, pair.Key, mode, token) : await upload.PutAsync(pair.Path, pair.Key, mode, token);
                },
                cancellation);
        }

        notes.Details["put"] = $"{batch.Done} objects, {Texts.Size(batch.Bytes)}";
        return output.Report(batch);
    }

    static IEnumerable<(string Path, string Key)> Pairs(string target, string[] files)
    {
        if (target.EndsWith('/'))
        {
            return RepositoryUpload.Below(target, files);
        }

        return files is [var file] && !Directory.Exists(file)
            ? [(file, target)]
            : throw new RefusedInputException(
                $"\"{target}\" is one key, and {(files.Length == 1 ? $"{files[0]} is a directory" : $"{files.Length} files were named")}",
                $"to put them below it, name it with a slash: {target}/");
    }

    // Before anything is put, so that a refusal leaves nothing half done.
    static void Permit(ParseResult parsed, CommandContext context, IObjectStore store, IEnumerable<(string Path, string Key)> pairs)
    {
        if (parsed.GetValue(Force) is { } reason)
        {
            if (string.IsNullOrWhiteSpace(reason))
            {
                throw new RefusedInputException("--force without a reason", "write in a few words why; it is kept in the log");
            }

            context.Log.Warning("repository {Repository}: objects are put below {Key} by hand, also under names of pitr: {Reason}", store.Name, parsed.GetValue(Target), reason);
            return;
        }

        foreach (var (_, key) in pairs)
        {
            ProtectedKeys.RefusePut(key);
        }
    }
}
