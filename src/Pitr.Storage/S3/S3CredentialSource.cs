namespace Pitr.Storage.S3;

/// <summary>Where the keys that sign requests come from.</summary>
public enum S3CredentialSource
{
    /// <summary>Given in the configuration.</summary>
    Static,

    /// <summary><c>AWS_ACCESS_KEY_ID</c>, <c>AWS_SECRET_ACCESS_KEY</c> and, if set, <c>AWS_SESSION_TOKEN</c>.</summary>
    Environment,

    /// <summary>A profile of the shared credentials and configuration files.</summary>
    Profile,

    /// <summary>The metadata service of the virtual machine or container this runs in.</summary>
    Instance,

    /// <summary>A token file (as Kubernetes mounts one), exchanged for keys at a security token service.</summary>
    WebIdentity,
}
