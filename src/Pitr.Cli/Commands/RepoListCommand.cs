using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pitr.Cli.Output;
using Pitr.Storage;

namespace Pitr.Cli.Commands;

/// <summary>`pitr repo ls`: the keys of a repository, as they come from it, however many they are.</summary>
static class RepoListCommand
{
    static readonly Argument<string> Name = GlobalOptions.Repository();
    static readonly Argument<string> Prefix = new("PREFIX") { Description = "Only keys that begin with it; without --recursive usually one that ends in /", DefaultValueFactory = _ => "" };
    static readonly Option<bool> Recursive = new("--recursive", "-r") { Description = "Every object below, not only the next level" };
    static readonly Option<bool> Long = new("--long", "-l") { Description = "With size, and time by the repository's clock" };

    public static Command Create()
    {
        var command = new Command(
            "ls",
            """
            List objects. Names that end in / stand for everything below them.

              pitr repo ls local
              pitr repo ls local services/main/ --long
              pitr repo ls offsite services/main/wal/ --recursive --long
              pitr repo ls offsite --recursive --output json | jq -r 'select(.key) | .key'     (one JSON document per line)
            """)
        {
            Name, Prefix, Recursive, Long,
        };
        command.SetAction(RunAsync);
        return command;
    }

    static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var context = new CommandContext(parsed);
        await using var store = context.OpenRepository(parsed.GetValue(Name)!);
        var prefix = parsed.GetValue(Prefix)!;
        var recursive = parsed.GetValue(Recursive);
        var json = context.Output == OutputFormat.Json;
        // Below a name that does not end in / the next level is what its parent shows of it.
        var listed = recursive ? prefix : prefix[..(prefix.LastIndexOf('/') + 1)];
        var output = new StreamWriter(Console.OpenStandardOutput(), bufferSize: 64 * 1024);
        await using (output)
        {
            var (objects, bytes) = (0L, 0L);
            await foreach (var item in store.ListAsync(listed, recursive ? ListMode.Recursive : ListMode.Children, cancellation))
            {
                if (!item.Key.StartsWith(prefix, StringComparison.Ordinal))
                {
                    continue;
                }

                objects += item.IsPrefix ? 0 : 1;
                bytes += item.Size;
                await output.WriteLineAsync(json ? Line(item) : Text(item, parsed.GetValue(Long)));
            }

            if (json)
            {
                // Only a listing that came to its end has this line.
                await output.WriteLineAsync(new JsonObject { ["format"] = 1, ["repository"] = store.Name, ["objects"] = objects, ["bytes"] = bytes }.ToJsonString(Json.OneLine));
            }
        }

        return ExitCodes.Success;
    }

    static string Line(ObjectListing item) => new JsonObject
    {
        ["key"] = item.Key,
        ["prefix"] = item.IsPrefix,
        ["size"] = item.IsPrefix ? null : item.Size,
        ["modified"] = item.IsPrefix ? null : Json.Moment(item.Modified),
    }.ToJsonString(Json.OneLine);

    static string Text(ObjectListing item, bool withDetails) => withDetails
        ? string.Create(CultureInfo.InvariantCulture, $"{(item.IsPrefix ? "" : Texts.Size(item.Size)),10}  {(item.IsPrefix ? "" : Texts.Moment(item.Modified)),20}  {item.Key}")
        : item.Key;
}
