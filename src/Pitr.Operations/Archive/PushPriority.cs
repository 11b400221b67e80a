namespace Pitr.Operations.Archive;

/// <summary>Whether PostgreSQL waits for a push. It may begin to while the push is under way, and never ceases to.</summary>
sealed class PushPriority
{
    volatile bool _isUrgent;

    /// <summary>PostgreSQL waits.</summary>
    public bool IsUrgent => _isUrgent;

    /// <summary>PostgreSQL has begun to wait.</summary>
    /// <returns>Whether that is news.</returns>
    public bool Raise()
    {
        var isNews = !_isUrgent;
        _isUrgent = true;
        return isNews;
    }
}
