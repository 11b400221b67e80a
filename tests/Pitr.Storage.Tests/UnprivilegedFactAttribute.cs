namespace Pitr.Storage.Tests;

/// <summary>A test about permissions, which root does not have to keep.</summary>
public sealed class UnprivilegedFactAttribute : FactAttribute
{
    public UnprivilegedFactAttribute()
    {
        if (Environment.IsPrivilegedProcess)
        {
            Skip = "root may do everything; run the tests as another user";
        }
    }
}
