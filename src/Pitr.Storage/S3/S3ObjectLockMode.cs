namespace Pitr.Storage.S3;

/// <summary>Whether and how firmly objects are kept from being deleted before their time. Needs a bucket made with object lock.</summary>
public enum S3ObjectLockMode
{
    /// <summary>No retention is asked for; the bucket's own default applies.</summary>
    None,

    /// <summary>Those with the permission to bypass it may still delete.</summary>
    Governance,

    /// <summary>Nobody can delete before the time, not even the account's owner.</summary>
    Compliance,
}
