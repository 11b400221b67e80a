using Pitr.Format.Catalog;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>Which server may take which dump.</summary>
public sealed class DumpChoiceTests
{
    [Theory]
    [InlineData("PostgreSQL", "15.13", "15.2")]
    [InlineData("PostgreSQL", "14.9", "15.2")]
    [InlineData("PostgreSQL", "9.6.24", "15.2")]
    [InlineData("PostgreSQL", "15.13", "18beta1")]
    [InlineData("MariaDB", "10.11.19-MariaDB-0+deb12u1-log", "10.11.3-MariaDB")]
    [InlineData("MariaDB", "10.11.19-MariaDB", "11.4.2-MariaDB")]
    [InlineData("MySQL", "5.7.44", "8.0.36")]
    [InlineData("Redis", "7.0.15", "7.2.4")]
    [InlineData("MongoDB", "7.0.14", "7.0.2")]
    [InlineData("MongoDB", "4.4.29", "5.0.0")]
    public void The_same_or_a_later_release_may(string product, string dumped, string target) => DumpChoice.RequireNotNewer(Manifest(product, dumped), product, target, "here");

    [Theory]
    [InlineData("PostgreSQL", "16.1", "15.13")]
    [InlineData("MariaDB", "11.4.2-MariaDB", "10.11.19-MariaDB")]
    [InlineData("MariaDB", "10.11.19-MariaDB", "10.6.21-MariaDB")]
    [InlineData("MySQL", "8.4.0", "8.0.36")]
    [InlineData("Redis", "8.0.0", "7.2.4")]
    [InlineData("MongoDB", "4.4.29", "4.2.24")]
    [InlineData("Redis", "7.2.4", "7.0.15")]
    public void An_older_one_may_not(string product, string dumped, string target)
    {
        var e = Assert.Throws<ImpossiblePlanException>(() => DumpChoice.RequireNotNewer(Manifest(product, dumped), product, target, "here"));
        Assert.Contains($"{dumped}, and here has {target}, which is older; nothing was changed", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_product_may_not() => Assert.Contains(
        "is of MySQL 8.0.36, here is MariaDB 10.11.19",
        Assert.Throws<ImpossiblePlanException>(() => DumpChoice.RequireNotNewer(Manifest("MySQL", "8.0.36"), "MariaDB", "10.11.19", "here")).Message,
        StringComparison.Ordinal);

    static DumpManifest Manifest(string product, string version) => new()
    {
        Id = "20261121T031500Z", Service = "shop", Kind = "x", Product = product, ServerVersion = version, Streams = [], Parts = [],
    };
}
