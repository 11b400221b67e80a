using System.Text;
using Pitr.Operations.Configuration;
using Pitr.Operations.Restore.InPlace;
using Pitr.Operations.Scratch;

namespace Pitr.Operations.Drill.Files;

/// <summary>Runs a command of the configuration in a restored tree. Whatever it leaves running is ended.</summary>
/// <param name="settings">The command.</param>
/// <param name="limit">How long it may take.</param>
/// <param name="clock">Source of time.</param>
/// <param name="scratch">Where the tree is.</param>
/// <param name="secrets">Variables that secrets come from.</param>
sealed class RunCheck(RunCheckSettings settings, TimeSpan limit, TimeProvider clock, ScratchSpace scratch, IReadOnlyList<string> secrets)
{
    const int MostOutput = 64 << 10;
    // What may override a key of the configuration, and so a secret.
    const string Overrides = "PITR_";

    string Output => Path.Combine(scratch.Root, "check.out");

    string Messages => Path.Combine(scratch.Root, "check.err");

    /// <summary>The check before it is done.</summary>
    public DrillCheck Undone => new($"{RunCheckSettings.Word} {settings.Name}", false, "") { Sql = settings.Command.ToString(), Expected = settings.Expect?.Text };

    /// <summary>Does it.</summary>
    public async Task<DrillCheck> RunAsync(CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(limit, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        var place = new CommandPlace(
            scratch.Data, Output, new(ScratchCommands.Variable, scratch.Data), name => name.StartsWith(Overrides, StringComparison.Ordinal) || secrets.Contains(name));
        using var command = ServerCommand.Start(settings.Command, Messages, place);
        try
        {
            await command.WaitAsync(linked.Token);
            return Judge(command);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Undone with { Detail = $"not done within {ConfigurationUnits.Format(limit)} (drill.check-timeout){Said(command)}" };
        }
        finally
        {
            command.Kill();
            ScratchCommands.End(scratch.Data);
            File.Delete(Output);
            File.Delete(Messages);
        }
    }

    DrillCheck Judge(ServerCommand command)
    {
        if (command.ExitCode != 0)
        {
            return Undone with { Detail = Visible($"ended with {command.ExitCode}{Said(command)}") };
        }

        if (settings.Expect is { IsOfRows: true } lines)
        {
            return Judgement.OfRows(Undone, lines, File.ReadLines(Output).LongCount(), "lines");
        }

        var answer = new FileInfo(Output).Length > MostOutput ? null : File.ReadAllText(Output).Trim();
        return settings.Expect is null ? Undone with { Passed = true, Result = answer is null ? null : Judgement.Shown(Visible(answer)), Detail = $"ended with 0{(answer is { Length: > 0 } ? $": {Judgement.Shown(Visible(answer))}" : "")}" }
            : answer is null ? Undone with { Detail = $"answers with more than {MostOutput >> 10} KiB; compare it in the command, or the number of its lines: expect: rows = …" }
            : Judgement.OfValue(Undone, settings.Expect, Visible(answer));
    }

    string Said(ServerCommand command)
    {
        if (command.Said is { Length: > 0 } said)
        {
            return $": {Visible(said)}";
        }

        // Some say what is wrong where others answer.
        return File.Exists(Output) && new FileInfo(Output).Length is > 0 and <= MostOutput ? $": {Judgement.Shown(Visible(File.ReadAllText(Output).Trim()))}" : "";
    }

    // A terminal shows it.
    static string Visible(string text)
    {
        var visible = new StringBuilder(text.Length);
        foreach (var c in text.ReplaceLineEndings("\n"))
        {
            visible.Append(c is '\n' or '\t' || !char.IsControl(c) ? c : '?');
        }

        return visible.ToString();
    }
}
