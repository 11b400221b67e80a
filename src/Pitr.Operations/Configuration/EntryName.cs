using Pitr.Format.Layout;

namespace Pitr.Operations.Configuration;

/// <summary>What services and repositories may be called: services are parts of object keys, and one rule is easier to keep than two.</summary>
static class EntryName
{
    public const string Rule = "1 to 63 of a-z 0-9 _ . - beginning with a letter or digit, no capitals";

    public static bool IsValid(string name) => ServiceName.TryParse(name, out _);
}
