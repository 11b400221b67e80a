namespace Pitr.Format;

/// <summary>The identity or passphrase given does not open what it was asked to open, though nothing is known to be damaged.</summary>
public class WrongIdentityException : Exception
{
    public WrongIdentityException()
        : base("the identity does not open this object")
    {
    }

    public WrongIdentityException(string message)
        : base(message)
    {
    }

    public WrongIdentityException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
