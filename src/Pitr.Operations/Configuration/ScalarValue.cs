namespace Pitr.Operations.Configuration;

/// <summary>A single value as written, and where.</summary>
readonly record struct ScalarValue(string Text, ConfigurationLocation Where, bool IsFromFile);
