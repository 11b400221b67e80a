using Pitr.Format.Layout;

namespace Pitr.Operations.Retention;

/// <summary>A backup that shall go.</summary>
/// <param name="Id">Which one.</param>
/// <param name="Reason">Why, for the report: "named on the command line".</param>
public sealed record ChosenBackup(BackupId Id, string Reason);
