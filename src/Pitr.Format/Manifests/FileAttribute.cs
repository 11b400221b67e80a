namespace Pitr.Format.Manifests;

/// <summary>An extended attribute of a file (xattr(7)); access control lists are such.</summary>
/// <param name="Name">As <see cref="EscapedBytes"/> writes it, for example "user.comment" or "system.posix_acl_access".</param>
/// <param name="Value">Its bytes.</param>
public sealed record FileAttribute(string Name, byte[] Value);
