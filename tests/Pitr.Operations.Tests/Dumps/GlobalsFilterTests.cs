using System.Text;
using Pitr.Operations.Dumps.Postgres;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>Tablespaces are taken out of the globals of a dump, whatever their names, and nothing else.</summary>
public sealed class GlobalsFilterTests
{
    const string Before = """
        --
        -- PostgreSQL database cluster dump; it's "odd
        --

        \restrict abc'def

        SET standard_conforming_strings = on;

        CREATE ROLE clerk;
        ALTER ROLE clerk WITH NOSUPERUSER PASSWORD 'SCRAM-SHA-256$4096:a;b''c';
        COMMENT ON ROLE clerk IS 'says
        CREATE TABLESPACE nothing LOCATION ''/x'';
        ';

        --
        -- Tablespaces
        --


        """;

    [Theory]
    [InlineData("CREATE TABLESPACE fast OWNER postgres LOCATION '/srv/fast';")]
    [InlineData("CREATE TABLESPACE \"two\nlines; \"\"quoted\"\"\" OWNER postgres LOCATION '/srv/it''s; here';")]
    public void Only_the_statement_goes(string statement)
    {
        const string after = "\nGRANT ALL ON TABLESPACE fast TO clerk;\nCREATE ROLE last;\n\n\\unrestrict abc'def\n";
        var (script, removed) = GlobalsFilter.WithoutTablespaces(Encoding.UTF8.GetBytes(Before + statement + after));
        Assert.Equal(Before + after, Encoding.UTF8.GetString(script));
        Assert.Equal(1, removed);
    }

    [Fact]
    public void What_has_none_stays_byte_for_byte()
    {
        byte[] script = [.. Encoding.UTF8.GetBytes(Before), 0xff, 0xfe, .. "'never ends"u8];
        var (kept, removed) = GlobalsFilter.WithoutTablespaces(script);
        Assert.Equal(script, kept);
        Assert.Equal(0, removed);
    }
}
