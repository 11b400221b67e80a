using System.Diagnostics;
using System.Text.Json;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>A program that has ended.</summary>
sealed record ProgramRun(string CommandLine, int ExitCode, string Output, string Errors)
{
    // Only keeps a broken program from hanging the run; nothing is timed with it.
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>Standard output as one JSON document.</summary>
    public JsonElement Json
    {
        get
        {
            try
            {
                return JsonDocument.Parse(Output).RootElement;
            }
            catch (JsonException e)
            {
                throw new InvalidOperationException($"standard output is not JSON ({e.Message})\n{this}", e);
            }
        }
    }

    /// <summary>Fails the test unless the program ended with this code.</summary>
    public ProgramRun Must(int exitCode = 0)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode} instead of {exitCode}\n{this}");
        return this;
    }

    /// <summary>Fails the test unless standard error says all of this.</summary>
    public ProgramRun MustSay(params string[] texts)
    {
        foreach (var text in texts)
        {
            Assert.True(Errors.Contains(text, StringComparison.Ordinal), $"standard error does not say \"{text}\"\n{this}");
        }

        return this;
    }

    /// <summary>Fails the test unless standard output shows all of this.</summary>
    public ProgramRun MustShow(params string[] texts)
    {
        foreach (var text in texts)
        {
            Assert.True(Output.Contains(text, StringComparison.Ordinal), $"standard output does not show \"{text}\"\n{this}");
        }

        return this;
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<ProgramRun> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? directory = null)
    {
        using var running = RunningProgram.Start(program, arguments, environment, directory);
        return await running.EndAsync(Limit);
    }

    public override string ToString() => $"$ {CommandLine}\nexit code {ExitCode}\nstdout: {Output}\nstderr: {Errors}";
}
