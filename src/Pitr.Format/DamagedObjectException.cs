namespace Pitr.Format;

/// <summary>
/// Stored bytes are not what was once written: authentication failed, a structure is broken, a length does not match.
/// The message names what is wrong; the caller, who knows the object's key, adds it.
/// </summary>
public class DamagedObjectException : Exception
{
    public DamagedObjectException()
        : base("stored object is damaged")
    {
    }

    public DamagedObjectException(string message)
        : base(message)
    {
    }

    public DamagedObjectException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
