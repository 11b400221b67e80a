namespace Pitr.Format.Dumps;

/// <summary>Takes the files of a directory, several at a time.</summary>
public interface IDirectorySink
{
    /// <summary>A file begins.</summary>
    /// <param name="number">By which it is named from now on.</param>
    /// <param name="name">Of the file; leads nowhere else, and comes only once.</param>
    void Begin(uint number, string name);

    /// <summary>The next piece of a file that has begun.</summary>
    void Write(uint number, ReadOnlySpan<byte> piece);

    /// <summary>A file is whole.</summary>
    void End(uint number);
}
