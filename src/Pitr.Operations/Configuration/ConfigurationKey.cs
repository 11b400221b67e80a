namespace Pitr.Operations.Configuration;

/// <summary>One key the reader knows, as it declared it while reading; what <c>docs/configuration.md</c> is held against.</summary>
/// <param name="Path">Keys from the top joined by dots, <c>*</c> for a name chosen by the user: <c>services.*.objectives.rpo</c>.</param>
/// <param name="Type">The words of the documentation: <c>path</c>, <c>duration</c>, <c>integer 1 to 19</c>, <c>list of paths</c>, …</param>
/// <param name="Default">As it would be written, or null where there is none.</param>
/// <param name="IsRequired">Whether leaving it out is an error.</param>
public sealed record ConfigurationKey(string Path, string Type, string? Default, bool IsRequired);
