namespace Pitr.Format;

/// <summary>
/// Stored bytes were written by a version, codec, kind or scheme this program does not know. The message says what was found and what is
/// supported; the way out is a newer pitr.
/// </summary>
public class UnsupportedFormatException : Exception
{
    public UnsupportedFormatException()
        : base("stored object has an unsupported format")
    {
    }

    public UnsupportedFormatException(string message)
        : base(message)
    {
    }

    public UnsupportedFormatException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
