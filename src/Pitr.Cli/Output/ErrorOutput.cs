using System.CommandLine;
using System.Text.Json.Nodes;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Postgres;
using Pitr.Storage;

namespace Pitr.Cli.Output;

/// <summary>Says what went wrong: to people on standard error, to programs as one JSON object on standard output.</summary>
static class ErrorOutput
{
    /// <summary>Message and next step, one or more lines.</summary>
    public static string Text(Exception error) => Hint(error) is { } hint ? $"{error.Message}\nHINT: {hint}" : error.Message;

    /// <summary>Reports an error and gives its exit code.</summary>
    public static int Report(Exception error, ParseResult parsed)
    {
        if (error is AggregateException { InnerException: { } inner })
        {
            error = inner;
        }

        var code = ExitCodes.Of(error);
        if (error is OperationCanceledException)
        {
            Console.Error.WriteLine("pitr: interrupted");
            return code;
        }

        Console.Error.WriteLine($"pitr: {error.Message}");
        if (code == ExitCodes.Bug)
        {
            Console.Error.WriteLine(error);
            Console.Error.WriteLine("HINT: this is a defect of pitr; please report it with the lines above");
        }
        else if (Hint(error) is { } hint)
        {
            Console.Error.WriteLine($"HINT: {hint}");
        }

        if (parsed.GetValue(GlobalOptions.Output) == OutputFormat.Json)
        {
            Json.Write(new JsonObject { ["error"] = error.Message, ["hint"] = Hint(error), ["exit-code"] = code });
        }

        return code;
    }

    /// <summary>What to do next; null when the error does not say.</summary>
    public static string? Hint(Exception error) => error switch
    {
        OperationException operation => operation.Hint,
        StorageException storage => storage.Hint,
        ServerException server => server.Hint,
        ConfigurationException configuration => configuration.Hint,
        _ => null,
    };
}
