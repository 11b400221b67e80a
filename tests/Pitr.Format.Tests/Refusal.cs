namespace Pitr.Format.Tests;

/// <summary>What a parser of untrusted bytes may answer with.</summary>
static class Refusal
{
    /// <summary>Runs the action and fails unless it throws one of the two exceptions for stored bytes.</summary>
    public static void Required(Action action, string what)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException)
        {
            return;
        }

        Assert.Fail($"accepted: {what}");
    }

    /// <summary>Runs the action; every exception other than the two for stored bytes fails the test.</summary>
    public static bool IsRefused(Action action)
    {
        try
        {
            action();
            return false;
        }
        catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException)
        {
            return true;
        }
    }
}
