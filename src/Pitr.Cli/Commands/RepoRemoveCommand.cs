using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Format.Layout;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Storage;
using Spectre.Console;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo rm`: removes objects by hand, asking first.</summary>
static class RepoRemoveCommand
{
    static readonly Argument<string> Name = GlobalOptions.Repository();
    static readonly Argument<string[]> Keys = new("KEY") { Description = "Keys, or with --recursive prefixes that end in /", Arity = ArgumentArity.OneOrMore };
    static readonly Option<bool> Recursive = new("--recursive", "-r") { Description = "Remove everything below the prefixes" };
    static readonly Option<bool> Yes = new("--yes", "-y") { Description = "Do not ask" };
    static readonly Option<bool> Force = new("--force") { Description = "Also what backups need, repository.json, and data keys, without which the rest is worth nothing" };
    static readonly Option<bool> DryRun = new("--dry-run", "-n") { Description = "Only say what would be removed" };
    static readonly Option<int> Jobs = GlobalOptions.Jobs();

    public static Command Create()
    {
        var command = new Command(
            "rm",
            """
            Remove objects, for good. Asks first on a terminal; elsewhere --yes says that it is meant. Keys, and packs and manifests that a backup
            needs, stay unless --force is given; removing WAL by hand breaks every backup that needs it. Backups are removed by `pitr expire`.

              pitr repo rm offsite notes/recovery.txt
              pitr repo rm offsite scripts/ --recursive --dry-run
            """)
        {
            Name, Keys, Recursive, Yes, Force, DryRun, Jobs,
        };
        command.SetAction(Audited.ActionOnRepository("repo-rm", Name, RunAsync));
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, AuditNotes notes, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var store = context.OpenRepository(parsed.GetValue(Name)!);
        var names = parsed.GetValue(Keys)!;
        var dryRun = parsed.GetValue(DryRun);
        notes.Subject = AuditNotes.Text(names);
        notes.ChangedNothing = dryRun;
        if (!parsed.GetValue(Recursive) && names.FirstOrDefault(name => name.Length == 0 || name.EndsWith('/')) is { } prefix)
        {
            throw new RefusedInputException($"\"{prefix}\" is a prefix", "give --recursive to remove everything below it");
        }

        // The record of this very removal outlives it, unless the repository itself goes.
        var goes = names.Any(name => RepositoryLayout.Repository.StartsWith(name, StringComparison.Ordinal));
        var removal = new RepositoryRemoval(store, parsed.GetValue(Force)) { Spares = goes ? null : key => key.Contains(notes.Token, StringComparison.Ordinal) };
        var (objects, bytes) = await CountAsync(removal, store, names, cancellation);
        if (!dryRun && objects > 0 && !parsed.GetValue(Yes))
        {
            Ask(context, $"Remove {objects} {(objects == 1 ? "object" : "objects")}, {Texts.Size(bytes)}, from repository {store.Name} ({store.Location}) for good?");
        }

        if (!dryRun)
        {
            notes.Details["found"] = $"{objects} objects, {Texts.Size(bytes)}";
            await notes.BeginAsync(cancellation);
        }

        var output = new BatchOutput(context, store.Name, dryRun ? "would remove" : "removed", moves: false);
        var batch = new ObjectBatch(parsed.GetValue(Jobs));
        using (var display = new ProgressDisplay())
        {
            await batch.RunAsync(
                removal.FindAsync(names, cancellation),
                item => item.Key,
                async (item, token) =>
                {
                    display.Show(dryRun ? "looking" : "removing", batch.Bytes, bytes);
                    return dryRun ? item.Size : await removal.RemoveAsync(item, token);
                },
                cancellation);
        }

        notes.Details["removed"] = $"{batch.Done} objects, {Texts.Size(batch.Bytes)}";
        return output.Report(batch);
    }

    // Also finds, before anything is removed, what must not be.
    static async Task<(long Objects, long Bytes)> CountAsync(RepositoryRemoval removal, IObjectStore store, string[] names, CancellationToken cancellation)
    {
        var (objects, bytes) = (0L, 0L);
        try
        {
            await foreach (var item in removal.FindAsync(names, cancellation))
            {
                objects++;
                bytes += item.Size;
            }
        }
        catch (ObjectNotFoundException e)
        {
            throw new RefusedInputException($"{e.Message}; nothing was removed", $"`pitr repo ls {store.Name}` shows what is there", e);
        }

        return (objects, bytes);
    }

    static void Ask(CommandContext context, string question)
    {
        if (Console.IsInputRedirected || Console.IsOutputRedirected || context.Output == OutputFormat.Json)
        {
            throw new RefusedInputException("nothing was removed: nobody can be asked here", "give --yes if it is meant; --dry-run shows what it would be");
        }

        if (!AnsiConsole.Confirm(Markup.Escape(question), defaultValue: false))
        {
            throw new RefusedInputException("nothing was removed");
        }
    }
}
