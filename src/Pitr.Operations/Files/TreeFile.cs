namespace Pitr.Operations.Files;

/// <summary>A regular file that a walk has come by.</summary>
/// <param name="Directory">Where it is; held for whoever gets this, who releases it.</param>
/// <param name="Name">Its name, with a zero at its end.</param>
/// <param name="Path">Of the manifest.</param>
/// <param name="Status">As the walk saw it.</param>
sealed record TreeFile(OpenDirectory Directory, byte[] Name, string Path, TreeStatus Status);
