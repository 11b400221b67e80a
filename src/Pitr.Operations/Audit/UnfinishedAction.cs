using Pitr.Format.Catalog;

namespace Pitr.Operations.Audit;

/// <summary>Something that has begun and whose end is not recorded.</summary>
/// <param name="Beginning">What.</param>
/// <param name="State">What is known of it.</param>
public sealed record UnfinishedAction(AuditBeginning Beginning, AuditState State);
