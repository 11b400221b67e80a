using System.Runtime.InteropServices;

namespace Pitr.ArchiveCommand.Tests;

/// <summary>Who runs the tests.</summary>
static partial class TestUser
{
    [LibraryImport("libc")]
    internal static partial uint geteuid();

    internal static bool IsRoot => geteuid() == 0;
}

/// <summary>A fact that only root can set up.</summary>
sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (!TestUser.IsRoot)
        {
            Skip = "only root can listen as another user";
        }
    }
}

/// <summary>A fact about missing permissions, which root never lacks.</summary>
sealed class UnprivilegedFactAttribute : FactAttribute
{
    public UnprivilegedFactAttribute()
    {
        if (TestUser.IsRoot)
        {
            Skip = "root is never refused";
        }
    }
}

/// <summary>A fact about a real server.</summary>
sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute()
    {
        if (TestUser.IsRoot)
        {
            Skip = "PostgreSQL refuses to run as root";
        }
        else if (PostgresPrograms.Directory is null)
        {
            Skip = "no PostgreSQL in /usr/lib/postgresql";
        }
    }
}
