using System.CommandLine;
using Pitr.Cli.Output;
using Pitr.Operations.Errors;
using Pitr.Operations.Repositories;
using Pitr.Storage;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo get`: objects out of a repository into files, opened or as they are stored.</summary>
static class RepoGetCommand
{
    const string StandardOutput = "-";

    static readonly Argument<string> Name = GlobalOptions.Repository();
    static readonly Argument<string[]> Keys = new("KEY") { Description = "Keys, or prefixes that end in / for everything below them", Arity = ArgumentArity.OneOrMore };
    static readonly Option<string?> To = new("--to") { Description = "File or directory to write to, - for standard output (default: here, under the last part of the key)", HelpName = "FILE" };
    static readonly Option<bool> Raw = new("--raw") { Description = "The bytes as stored, sealed as they are; needs no identity" };
    static readonly Option<int> Jobs = GlobalOptions.Jobs();

    public static Command Create()
    {
        var command = new Command(
            "get",
            """
            Bring objects into files. What is sealed is opened with the identity and authenticated; a file appears only when all of it is there
            and right, and replaces one of the same name. On standard output the exit code says whether all of it was right.

              pitr repo get local services/main/service.json --to -
              pitr repo get local services/main/wal/00000001/00000000/000000010000000000000007
              pitr repo get offsite services/main/ --to /mnt/copy --raw --jobs 16
            """)
        {
            Name, Keys, To, Raw, Jobs,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var store = context.OpenRepository(parsed.GetValue(Name)!);
        using var keys = new RepositoryKeys(context.Configuration, [store], CommandContext.Clock, CommandContext.AskPassphrase);
        var download = new RepositoryDownload(store, parsed.GetValue(Raw) ? null : new ObjectOpener(keys));
        var wanted = parsed.GetValue(Keys)!;
        var to = parsed.GetValue(To);
        if (to == StandardOutput)
        {
            return await PrintAsync(download, wanted, context, store, cancellation);
        }

        var output = new BatchOutput(context, store.Name, "got", moves: true);
        var batch = new ObjectBatch(parsed.GetValue(Jobs));
        using (var display = new ProgressDisplay())
        {
            await batch.RunAsync(
                Targets(download, wanted, to, cancellation),
                target => target.Key,
                async (target, token) =>
                {
                    display.Show("getting", batch.Bytes, 0);
                    return await download.ToFileAsync(target.Key, target.Path, token);
                },
                cancellation);
        }

        return output.Report(batch);
    }

    static async Task<int> PrintAsync(RepositoryDownload download, string[] wanted, CommandContext context, IObjectStore store, CancellationToken cancellation)
    {
        if (wanted is not [var key] || key.EndsWith('/') || context.Output == OutputFormat.Json)
        {
            throw new RefusedInputException("standard output takes one object, and nothing else beside it", "name one key with --to -, or a directory with --to DIR");
        }

        await using var output = Console.OpenStandardOutput();
        try
        {
            await download.ToStreamAsync(key, output, cancellation);
        }
        catch (ObjectNotFoundException e)
        {
            throw new RefusedInputException(e.Message, $"`pitr repo ls {store.Name} {key[..(key.LastIndexOf('/') + 1)]}".TrimEnd() + "` shows what is there", e);
        }

        return ExitCodes.Success;
    }

    static async IAsyncEnumerable<(string Key, string Path)> Targets(
        RepositoryDownload download, string[] wanted, string? to, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        // One object goes to the file that was named; several, and everything below a prefix, go into a directory.
        var oneFile = wanted is [var only] && !only.EndsWith('/') && to is not null && !to.EndsWith('/') && !Directory.Exists(to);
        if (oneFile)
        {
            yield return (wanted[0], to!);
            yield break;
        }

        var directory = to ?? ".";
        RepositoryDownload.CreateDirectory(directory);
        foreach (var name in wanted)
        {
            if (name.Length > 0 && !name.EndsWith('/'))
            {
                yield return (name, Path.Combine(directory, name[(name.LastIndexOf('/') + 1)..]));
                continue;
            }

            await foreach (var target in download.BelowAsync(name, directory, cancellation))
            {
                yield return target;
            }
        }
    }
}
