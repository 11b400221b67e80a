namespace Pitr.Operations.Verify;

/// <summary>How far a verification is. Safe for use from several threads.</summary>
/// <param name="onProgress">Told the phase, the bytes that are done, and of how many; may be null.</param>
sealed class VerifyProgress(Action<string, long, long>? onProgress)
{
    string _phase = "";
    long _done;
    long _total;

    /// <summary>A new phase begins.</summary>
    /// <param name="phase">What is done now.</param>
    /// <param name="total">Bytes to come; 0 when it is not known.</param>
    public void Begin(string phase, long total)
    {
        (_phase, _total) = (phase, total);
        Interlocked.Exchange(ref _done, 0);
        onProgress?.Invoke(phase, 0, total);
    }

    /// <summary>Bytes were read.</summary>
    public void Add(long bytes) => onProgress?.Invoke(_phase, Interlocked.Add(ref _done, bytes), _total);

    /// <summary>So many bytes are done altogether, of so many.</summary>
    public void Set(long done, long total) => onProgress?.Invoke(_phase, done, total);
}
