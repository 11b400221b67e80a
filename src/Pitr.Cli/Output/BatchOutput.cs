using System.Diagnostics;
using System.Text.Json.Nodes;
using Pitr.Operations.Repositories;
using Pitr.Storage;

namespace Pitr.Cli.Output;

/// <summary>Reports work on many objects: failures one by one on standard error, one summary on standard output.</summary>
/// <param name="context">The command.</param>
/// <param name="repository">The repository's name.</param>
/// <param name="verb">What was done, in the past: "put".</param>
/// <param name="moves">Whether bytes were moved, so that a rate says something.</param>
sealed class BatchOutput(CommandContext context, string repository, string verb, bool moves)
{
    // More would hide the summary; the JSON has all that are remembered.
    const int MostShown = 20;

    static readonly int[] WorstFirst = [ExitCodes.Damaged, ExitCodes.Keys, ExitCodes.Conflict, ExitCodes.Repository, ExitCodes.Failure];

    readonly long _started = Stopwatch.GetTimestamp();

    /// <summary>Reports, and gives the exit code: that of the worst failure.</summary>
    public int Report(ObjectBatch batch)
    {
        var seconds = Stopwatch.GetElapsedTime(_started).TotalSeconds;
        var failures = batch.Failures;
        ReportFailures(failures, batch.Failed);
        if (context.Output == OutputFormat.Json)
        {
            Json.Write(new JsonObject
            {
                ["format"] = 1,
                ["repository"] = repository,
                ["done"] = verb,
                ["objects"] = batch.Done,
                ["bytes"] = batch.Bytes,
                ["seconds"] = Math.Round(seconds, 3),
                ["failed"] = batch.Failed,
                ["failures"] = Failures(failures),
            });
        }
        else if (batch.Done > 0 || batch.Failed == 0)
        {
            var rate = moves && seconds > 0 ? $", {Texts.Size((long)(batch.Bytes / seconds))}/s" : "";
            Console.WriteLine($"{verb} {batch.Done} {(batch.Done == 1 ? "object" : "objects")}, {Texts.Size(batch.Bytes)} in {Texts.Span(seconds)}{rate}");
        }

        return ExitCode(failures);
    }

    /// <summary>Says on standard error what went wrong, each with its next step.</summary>
    public static void ReportFailures(IReadOnlyList<ObjectFailure> failures, long failed)
    {
        foreach (var hint in failures.Take(MostShown).GroupBy(failure => ErrorOutput.Hint(failure.Error)))
        {
            foreach (var failure in hint)
            {
                Console.Error.WriteLine($"pitr: {failure.Error.Message}");
            }

            if (hint.Key is { } text)
            {
                Console.Error.WriteLine($"HINT: {text}");
            }
        }

        if (failed > MostShown)
        {
            Console.Error.WriteLine($"pitr: and {failed - MostShown} more");
        }
    }

    /// <summary>The failures as documented in docs/json.md.</summary>
    public static JsonArray Failures(IEnumerable<ObjectFailure> failures) => Json.Array(failures, failure => new JsonObject
    {
        ["object"] = failure.Key,
        ["error"] = failure.Error.Message,
        ["hint"] = ErrorOutput.Hint(failure.Error),
        ["exit-code"] = ExitCode(failure.Error),
    });

    /// <summary>The exit code of the worst; 0 when there are none.</summary>
    public static int ExitCode(IReadOnlyList<ObjectFailure> failures)
    {
        var codes = failures.Select(failure => ExitCode(failure.Error)).ToHashSet();
        return codes.Count == 0 ? ExitCodes.Success : WorstFirst.FirstOrDefault(codes.Contains, ExitCodes.Failure);
    }

    // A repository that answered "no such object" has not failed; the request has.
    static int ExitCode(Exception error) => error is ObjectNotFoundException ? ExitCodes.Failure : ExitCodes.Of(error);
}
