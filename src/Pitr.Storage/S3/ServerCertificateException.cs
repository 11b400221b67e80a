namespace Pitr.Storage.S3;

/// <summary>The server's certificate is not one to trust; the message says why.</summary>
sealed class ServerCertificateException(string message, string hint) : Exception(message)
{
    public string Hint { get; } = hint;
}
