namespace Pitr.Storage.Ftp;

/// <summary>How an FTP connection is encrypted.</summary>
public enum FtpTlsMode
{
    /// <summary>AUTH TLS after the greeting, for commands and data; a server that refuses is an error (RFC 4217).</summary>
    Explicit,

    /// <summary>TLS from the first byte, usually on port 990.</summary>
    Implicit,

    /// <summary>No encryption: password and names are readable on the network. Only where someone asked for it in so many words.</summary>
    None,
}
