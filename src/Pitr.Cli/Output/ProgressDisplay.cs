using System.Diagnostics;
using System.Globalization;

namespace Pitr.Cli.Output;

/// <summary>
/// Shows where long work is on standard error: one line that redraws itself on a terminal, a line per phase elsewhere. Standard output
/// is left to the result.
/// </summary>
sealed class ProgressDisplay : IDisposable
{
    const int BarWidth = 28;

    static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(100);

    readonly Lock _drawing = new();
    readonly bool _terminal = !Console.IsErrorRedirected;
    readonly long _started = Stopwatch.GetTimestamp();
    string _phase = "";
    long _phaseStarted;
    long _phaseBytes;
    long _drawn;

    /// <summary>Shows a state; may be called as often as the work likes.</summary>
    /// <param name="phase">What is being done.</param>
    /// <param name="bytes">How much of it is done.</param>
    /// <param name="total">How much there is, 0 when unknown.</param>
    public void Show(string phase, long bytes, long total)
    {
        lock (_drawing)
        {
            if (phase != _phase)
            {
                Begin(phase, bytes);
            }
            else if (!_terminal || Stopwatch.GetElapsedTime(_drawn) < Redraw)
            {
                return;
            }

            if (_terminal)
            {
                _drawn = Stopwatch.GetTimestamp();
                Console.Error.Write($"\r\u001b[K{Line(bytes, total)}");
            }
        }
    }

    void Begin(string phase, long bytes)
    {
        // Replay names each segment: on a terminal the line follows, in a log only the kind of work is worth a line.
        var sameKind = Kind(phase) == Kind(_phase);
        _phase = phase;
        if (sameKind)
        {
            return;
        }

        _phaseStarted = Stopwatch.GetTimestamp();
        _phaseBytes = bytes;
        if (!_terminal)
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_started).TotalSeconds,6:0.0} s  {phase}"));
        }
    }

    static string Kind(string phase) => phase.Split(" 0")[0].TrimEnd();

    string Line(long bytes, long total)
    {
        var elapsed = Stopwatch.GetElapsedTime(_started);
        if (bytes <= 0)
        {
            return $"{Texts.Span(elapsed),8}  {_phase}";
        }

        var seconds = Stopwatch.GetElapsedTime(_phaseStarted).TotalSeconds;
        var rate = seconds > 0 ? (bytes - _phaseBytes) / seconds : 0;
        if (total <= 0)
        {
            return $"{Texts.Span(elapsed),8}  {_phase} {Texts.Size(bytes)}, {Texts.Size((long)rate)}/s";
        }

        var share = Math.Clamp((double)bytes / total, 0, 1);
        var filled = (int)(share * BarWidth);
        var left = rate > 0 && bytes < total ? $", {Texts.Span((total - bytes) / rate)} left" : "";
        return $"{Texts.Span(elapsed),8}  {_phase} [{new string('█', filled)}{new string('░', BarWidth - filled)}] {share:P0}, {Texts.Size(bytes)}, {Texts.Size((long)rate)}/s{left}";
    }

    /// <summary>Clears the line, so that something else can be written; the next state draws it again.</summary>
    public void Clear()
    {
        if (_terminal)
        {
            Console.Error.Write("\r\u001b[K");
        }
    }

    /// <inheritdoc cref="Clear"/>
    public void Dispose() => Clear();
}
