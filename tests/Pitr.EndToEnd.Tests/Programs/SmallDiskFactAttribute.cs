namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>A test that fills a <see cref="SmallDisk"/>.</summary>
public sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute() => Skip = SmallDisk.Impossible;
}
